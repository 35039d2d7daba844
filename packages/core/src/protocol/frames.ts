/** The name of the native protocol, by which clients ask for it. */
export const hexbusV1Name = 'hexbus.v1.json';

/** The name of the protocol of clients that only listen, which do not ask for it. */
export const hexbusV1EventSourceName = 'hexbus.v1.eventsource';

/** The version that HELLO and WELCOME name. */
export const hexbusV1Version = 1;

/** The first element of a frame, where it is a number. 13 is reserved. Numbers above `wireLimits.maxKnownType` may come to mean something, and are ignored until then. */
export const frameTypes = {
  hello: 1,
  welcome: 2,
  subscribe: 3,
  unsubscribe: 4,
  event: 5,
  acknowledge: 6,
  gap: 7,
  result: 8,
  error: 9,
  cancel: 10,
  authenticate: 11,
  expiring: 12,
  ping: 14,
  pong: 15,
  bye: 16,
  eventFor: 17,
  publish: 18,
  delivery: 19,
} as const;

/** How large what a client says may be. Frames longer than `maxFrameBytes` are refused by transports. */
export const wireLimits = {
  maxFrameBytes: 65_536,
  /** How deep the elements of a frame may nest. */
  maxDepth: 64,
  /** The largest frame type that is taken for a mistake when it is not known. */
  maxKnownType: 63,
  maxTopicBytes: 256,
  /** Of names, types, message ids and capabilities. */
  maxNameBytes: 128,
  /** Of session names and their secrets. */
  maxSessionLength: 256,
  maxCursorLength: 128,
  /** Of tokens and credentials. */
  maxTokenLength: 8_192,
} as const;

/** Of so many subscriptions a token of `wireLimits.maxTokenLength` can tell the place of each. */
export const maxTokenPlaces = 240;
