import type { GatewayLimits, GatewayTimings } from './api.ts';

/** Every default of the gateway. */
export const gatewayDefaults: { readonly limits: GatewayLimits; readonly timings: GatewayTimings } = {
  limits: {
    maxConnections: 10_000,
    maxConnectionsPerAddress: 1_000,
    maxConnectionsPerUser: 32,
    maxSessions: 100_000,
    maxSubscriptions: 128,
    maxOutboxBytes: 1_048_576,
    maxRunningAsks: 64,
    maxPendingRequests: 256,
    maxFramesPerSecond: 50,
    maxFrameBurst: 200,
    maxBytesPerSecond: 262_144,
    maxByteBurst: 1_048_576,
    maxIgnored: 100,
  },
  timings: {
    helloTimeoutMs: 5_000,
    authenticateTimeoutMs: 10_000,
    pingMs: 25_000,
    maxMissedPings: 2,
    stallTimeoutMs: 30_000,
    requestTimeoutMs: 10_000,
    resumeWindowMs: 120_000,
    ticketMs: 30_000,
    userCursorMs: 1_000,
    expiryWarningMs: 60_000,
    expiryGraceMs: 25_000,
    drainMs: 5_000,
  },
};
