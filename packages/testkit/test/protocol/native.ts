import { createHexbusV1 } from '@hexbus/core/gateway';
import {
  decodeServerFrame,
  encodeAcknowledge,
  encodeAsk,
  encodeAuthenticate,
  encodeCancel,
  encodeHello,
  encodePing,
  encodePublish,
  encodeReply,
  encodeSubscribe,
  encodeUnsubscribe,
} from '@hexbus/core/wire';
import type { ClientWord, ProtocolAdapter } from '@hexbus/testkit';

function write(word: ClientWord): string {
  switch (word.kind) {
    case 'hello':
      return encodeHello(word.hello);
    case 'subscribe':
      return encodeSubscribe(word.subscription);
    case 'unsubscribe':
      return encodeUnsubscribe(word.id);
    case 'acknowledge':
      return encodeAcknowledge(word.token);
    case 'ask':
      return encodeAsk(word.name, word.body, word.id);
    case 'publish':
      return encodePublish(word.id, word.message);
    case 'reply':
      return encodeReply(word.id, word.reply);
    case 'cancel':
      return encodeCancel(word.id);
    case 'authenticate':
      return encodeAuthenticate(word.id, word.token);
    case 'ping':
      return encodePing();
  }
}

/** The native protocol, as the suite sees it. */
export const native: ProtocolAdapter = {
  name: 'hexbus.v1.json',
  create: createHexbusV1,
  client: { write, read: decodeServerFrame, carries: ['id', 'type', 'sender', 'headers', 'time', 'position'] },
};
