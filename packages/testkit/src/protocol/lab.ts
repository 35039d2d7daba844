import type { Hello, ProtocolSession, WireProtocol } from '@hexbus/core/gateway';
import type { ServerFrame } from '@hexbus/core/wire';
import type fc from 'fast-check';
import { check, checkSame } from '../support/check.ts';
import { suiteDefaults } from '../support/defaults.ts';
import type { Rule } from '../support/rule.ts';
import type { ClientWord, ProtocolAdapter } from './adapter.ts';
import { createRecordingHost, type HostCall, type RecordingHost } from './recording-host.ts';

/** A rule of protocols. It is run where clients can say all that it needs. */
export interface ProtocolRule extends Rule<ProtocolLab> {
  readonly needs?: readonly ClientWord['kind'][];
}

const nothing: Hello = { subscriptions: [], capabilities: [] };

/** The first words of a client that wants nothing. */
export const bareHello: ClientWord = { kind: 'hello', hello: nothing };

/** One client before one session, and what the host heard. */
export class Dialogue {
  readonly host: RecordingHost = createRecordingHost();
  readonly session: ProtocolSession;
  readonly #client: ProtocolAdapter['client'];

  constructor(protocol: WireProtocol, client: ProtocolAdapter['client'], hello?: Hello) {
    this.session = protocol.open(this.host, hello);
    this.#client = client;
  }

  /** Sends words, and returns what the host heard of them. Words that the protocol cannot say are left out. */
  say(...words: readonly ClientWord[]): readonly HostCall[] {
    const texts = words.map((word) => this.#client.write(word)).filter((text) => text !== undefined);
    return this.send(...texts);
  }

  /** Sends texts, and returns what the host heard of them. */
  send(...texts: readonly string[]): readonly HostCall[] {
    this.host.take();
    for (const text of texts) this.session.receive(text);
    return this.host.take();
  }

  read(frame: { readonly text: string } | undefined): ServerFrame | undefined {
    return frame === undefined ? undefined : this.#client.read(frame.text);
  }
}

/** Makes the sessions of one rule. */
export class ProtocolLab {
  readonly adapter: ProtocolAdapter;

  constructor(adapter: ProtocolAdapter) {
    this.adapter = adapter;
  }

  /** A session that has heard nothing yet but what a handshake says. */
  open(protocol: WireProtocol = this.adapter.create()): Dialogue {
    const { client } = this.adapter;
    return new Dialogue(protocol, client, client.handshake === undefined ? undefined : nothing);
  }

  /** A session that has heard HELLO. */
  greet(protocol?: WireProtocol): Dialogue {
    const dialogue = this.open(protocol);
    if (this.adapter.client.handshake !== undefined) return dialogue;
    checkSame(namesOf(dialogue.say(bareHello)), ['hello'], 'what the host hears of HELLO');
    return dialogue;
  }

  canSay(word: ClientWord): boolean {
    return this.adapter.client.write(word) !== undefined;
  }

  /** The text of a word with `json` in the place of its body. */
  withBody(json: string): string {
    const marker = 'hexbus-body';
    const text = this.adapter.client.write({ kind: 'ask', name: 'load', body: marker, id: 1 }) ?? '';
    check(text.includes(JSON.stringify(marker)), 'a body should stand in the text of a frame as JSON');
    return text.replace(JSON.stringify(marker), () => json);
  }

  get runs(): fc.Parameters<unknown> {
    const { runs = suiteDefaults.runs, ...repeat } = this.adapter.property ?? {};
    return { numRuns: runs, includeErrorInReport: true, ...repeat };
  }
}

export function namesOf(calls: readonly HostCall[]): readonly string[] {
  return calls.map(([name]) => name);
}

/** Checks that a host heard nothing but that something was wrong. */
export function checkRefused(calls: readonly HostCall[], what: string): void {
  const names = namesOf(calls);
  check(names.length > 0, `${what} should be told as violated or ignored, and was passed over`);
  for (const name of names) check(name === 'violated' || name === 'ignored', `${what} reached the host as ${name}`);
  checkOneViolation(calls, what);
}

/** Checks that a host heard of one violation, and of nothing else. */
export function checkViolation(calls: readonly HostCall[], what: string): void {
  checkSame(namesOf(calls), ['violated'], `what the host hears of ${what}`);
  checkOneViolation(calls, what);
}

function checkOneViolation(calls: readonly HostCall[], what: string): void {
  const violations = calls.filter((call) => call[0] === 'violated');
  check(violations.length <= 1, `${what} was told as violated ${violations.length} times`);
  for (const [, code, reason] of violations) {
    check(Number.isInteger(code) && code >= 4000 && code <= 4999, `${what} has close code ${code}, not one from 4000`);
    check(typeof reason === 'string' && reason !== '', `the violation by ${what} should have a reason`);
  }
}
