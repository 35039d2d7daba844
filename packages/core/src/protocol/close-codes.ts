/** The codes with which connections end. Those below 4000 are WebSocket's own. */
export const closeCodes = {
  ended: 1000,
  goingAway: 1001,
  wireProtocol: 1002,
  unsupportedData: 1003,
  invalidText: 1007,
  tooManyParts: 1008,
  tooBig: 1009,
  restarting: 1012,
  overloaded: 1013,
  heartbeatTimeout: 4000,
  pongTimeout: 4001,
  helloTimeout: 4005,
  helloMissing: 4009,
  slowConsumer: 4101,
  tokenExpired: 4103,
  rateLimited: 4104,
  malformed: 4500,
  unauthenticated: 4501,
  forbidden: 4503,
  protocolVersion: 4504,
  connectionLimit: 4505,
  duplicateId: 4509,
  sessionTaken: 4510,
} as const;

/**
 * What a client does after a close. `no`: it stays away. `backoff`: it comes back after a random, growing delay; `slow-backoff`: one twice as long.
 * `when-told`: after the time that BYE named, or by backoff if there was no BYE. `fresh-token`: with a new credential. `new-session`: with its
 * last token, and without the session. It resumes in all other cases.
 */
export type Reconnect = 'no' | 'at-once' | 'backoff' | 'slow-backoff' | 'when-told' | 'fresh-token' | 'new-session';

/** What a client does after a close with this code. Of codes that are not listed, those from 4500 to 4999 are final, and others, as 1006, are not. */
export function reconnectAfter(code: number): Reconnect {
  switch (code) {
    case closeCodes.ended:
    case closeCodes.tooManyParts:
      return 'no';
    case closeCodes.goingAway:
    case closeCodes.restarting:
    case closeCodes.overloaded:
    case closeCodes.rateLimited:
      return 'when-told';
    case closeCodes.wireProtocol:
    case closeCodes.unsupportedData:
    case closeCodes.invalidText:
    case closeCodes.tooBig:
      return 'slow-backoff';
    case closeCodes.heartbeatTimeout:
    case closeCodes.pongTimeout:
      return 'at-once';
    case closeCodes.tokenExpired:
      return 'fresh-token';
    case closeCodes.connectionLimit:
      return 'backoff';
    case closeCodes.sessionTaken:
      return 'new-session';
    default:
      return code >= 4500 && code <= 4999 ? 'no' : 'backoff';
  }
}
