import type { Message } from '@hexbus/core';
import type { Handshake, Hello, WireProtocol, WireReply, WireSubscription } from '@hexbus/core/gateway';
import type { ServerFrame } from '@hexbus/core/wire';

/** Something that a client may say. */
export type ClientWord =
  | { readonly kind: 'hello'; readonly hello: Hello }
  | { readonly kind: 'subscribe'; readonly subscription: WireSubscription }
  /** `topic`: of the subscription, for protocols that end it by that. */
  | { readonly kind: 'unsubscribe'; readonly id: number; readonly topic: string }
  | { readonly kind: 'acknowledge'; readonly token: string }
  | { readonly kind: 'ask'; readonly name: string; readonly body: unknown; readonly id?: number }
  | {
      readonly kind: 'publish';
      readonly id: number;
      readonly message: {
        readonly topic: string;
        readonly type?: string;
        readonly body: unknown;
        readonly messageId?: string;
      };
    }
  | { readonly kind: 'reply'; readonly id: number; readonly reply: WireReply }
  | { readonly kind: 'cancel'; readonly id: number }
  | { readonly kind: 'authenticate'; readonly id: number; readonly token: string }
  | { readonly kind: 'ping' };

/** How a client of the protocol writes and reads. Pure. */
export interface ProtocolClient {
  /**
   * The text of a word, or undefined where the protocol has none for it; rules that need that word are not run. HELLO without anything must have one,
   * unless there is `handshake`.
   */
  readonly write: (word: ClientWord) => string | undefined;
  /** Of clients that say everything by their handshake: the handshake of one that says this, or undefined where none can say it. */
  readonly handshake?: ((hello: Hello) => Handshake | undefined) | undefined;
  /** Reads a text of the server. Fields of a message that `carries` does not name may be anything. */
  readonly read: (text: string) => ServerFrame;
  /** What events bear of a message, beside topic and body. */
  readonly carries: readonly Exclude<keyof Message, 'topic' | 'body'>[];
}

/** How the suite gets at a protocol. */
export interface ProtocolAdapter {
  /** How test names call the protocol. */
  readonly name: string;
  /** A new instance, that shares nothing with others. */
  readonly create: () => WireProtocol;
  readonly client: ProtocolClient;
  /** The properties: how many runs (default 200), and the seed and path that a failure printed, to repeat it. */
  readonly property?: { readonly runs?: number; readonly seed?: number; readonly path?: string } | undefined;
}
