import {
  type Client,
  type ClientOnOptions,
  type ClientRequestHandler,
  type ClientSubscribeOptions,
  createClient,
} from '@hexbus/client';
import type { Handler, Message } from '@hexbus/core';
import type { Outcome } from '@hexbus/core/gateway';
import { cableParameter, type FollowedTopics, type Requests } from '../shared/messages.ts';
import { NoAnswer } from './no-answer.ts';
import { savedSession } from './saved-session.ts';

export type TransportName = 'ws' | 'sse';

/** How the connection is, for the page to show. */
export interface LinkState {
  readonly connected: boolean;
  readonly transport: TransportName;
  readonly session: string | undefined;
  /** When the next try begins. */
  readonly retryMs?: number | undefined;
}

/** This tab at the gateway: one session, whatever transport carries it. */
export class Tab {
  readonly user: string;
  readonly #url: string;
  readonly #prepare = new Set<(client: Client) => void>();
  readonly #follow: ((client: Client) => void)[] = [];
  readonly #watchers: ((state: LinkState) => void)[] = [];
  #transport: TransportName;
  #client: Client;

  constructor(user: string, transport: TransportName) {
    this.user = user;
    this.#url = `/hexbus?${cableParameter}=${crypto.randomUUID()}`;
    this.#transport = transport;
    this.#client = this.#newClient();
  }

  get session(): string | undefined {
    return this.#client.session;
  }

  /** Handles messages of one type that are addressed to this tab. So a bridge can take its messages from here. Returns what ends it. */
  on<Body = unknown>(type: string, handler: Handler<Message<Body>>, options?: ClientOnOptions): () => void {
    return this.#each((client) => client.on(type, handler, options));
  }

  /** Answers what the server asks under a name. Returns what ends it. */
  handle(name: string, handler: ClientRequestHandler): () => void {
    return this.#each((client) => client.handle(name, handler));
  }

  /** Follows a topic from `from` on, also over a switch of the transport. */
  follow<Topic extends keyof FollowedTopics>(
    topic: Topic,
    handler: (message: Message<FollowedTopics[Topic]>) => unknown,
    options: ClientSubscribeOptions,
  ): void {
    this.#follow.push((client) => client.subscribe(topic, handler, options));
  }

  onState(watcher: (state: LinkState) => void): void {
    this.#watchers.push(watcher);
    this.#tell();
  }

  request<Name extends keyof Requests>(
    name: Name,
    body: Requests[Name]['ask'],
    options: { readonly timeoutMs?: number } = {},
  ): Promise<Outcome<Requests[Name]['answer']>> {
    return this.#client.request(name, body, options);
  }

  /**
   * Goes on with the session of the page that was here before a reload. Topics are followed only now: what a page shows of them begins anew with each
   * page, so the place where the last page was does not count.
   */
  async open(): Promise<void> {
    await this.#client.open();
    for (const follow of this.#follow) follow(this.#client);
  }

  /** Another client goes on with the session, and with each topic where this one stops. */
  async switchTo(transport: TransportName): Promise<void> {
    await this.#client.close();
    this.#transport = transport;
    this.#client = this.#newClient();
    for (const prepare of [...this.#prepare, ...this.#follow]) prepare(this.#client);
    await this.#client.open();
  }

  /** Does it with the client of now, and with each that takes over. */
  #each(begin: (client: Client) => () => void): () => void {
    let end = begin(this.#client);
    const next = (client: Client): void => {
      end = begin(client);
    };
    this.#prepare.add(next);
    return () => {
      this.#prepare.delete(next);
      end();
    };
  }

  #newClient(): Client {
    const client = createClient({
      url: this.#url,
      transport: this.#transport,
      token: this.user,
      capabilities: ['screen', 'questions', 'console'],
      session: savedSession(this.user),
      // A demonstration should not let people wait.
      timings: { reconnectDelayMs: 400, maxReconnectDelayMs: 2_000, acknowledgeMs: 200 },
    });
    client.observe('error', ({ error }) => {
      if (!((error as Error).cause instanceof NoAnswer)) reportError(error);
    });
    client.observe('state', ({ retryMs }) => this.#tell(retryMs));
    return client;
  }

  #tell(retryMs?: number): void {
    const { connected, session } = this.#client;
    for (const watcher of this.#watchers) watcher({ connected, session, transport: this.#transport, retryMs });
  }
}
