export { attempt } from './attempt.ts';
export { assertFunction, configError } from './bus/checks.ts';
export { Deferred } from './bus/deferred.ts';
export { HandlerRunner } from './bus/delivery/handler-runner.ts';
export { parseFrom } from './bus/delivery/start.ts';
export type { HandlingSettings } from './bus/options.ts';
export { systemClock, systemFraction } from './clock.ts';
export { formatCursor, parseCursor } from './cursor.ts';
export { setDeadline } from './deadline.ts';
export { HexbusError, shorten } from './errors.ts';
export { assertPattern, assertTopic, matchesPattern, patternsOverlap } from './pattern.ts';
export type {
  Bye,
  Hello,
  Welcome,
  WireError,
  WireErrorCode,
  WireFrom,
  WireGap,
  WireReply,
  WireSubscription,
} from './ports/protocol.ts';
export type { Reconnect } from './protocol/close-codes.ts';
export { closeCodes, reconnectAfter } from './protocol/close-codes.ts';
export type { ServerFrame } from './protocol/decode-server-frame.ts';
export { decodeServerFrame, readSubscribed } from './protocol/decode-server-frame.ts';
export { isAscii, isFields, isId, isName, isPrintable, isToken, wireErrorCodes } from './protocol/elements.ts';
export { encodeCancel, encodePing, encodePong, encodeReply } from './protocol/encode.ts';
export {
  encodeAcknowledge,
  encodeAsk,
  encodeAuthenticate,
  encodeHello,
  encodePublish,
  encodeSubscribe,
  encodeUnsubscribe,
} from './protocol/encode-client-frame.ts';
export { frameTypes, hexbusV1Name, hexbusV1Version, wireLimits } from './protocol/frames.ts';
export { parseBounded } from './protocol/parse-bounded.ts';
export { utf8Length } from './utf8.ts';
