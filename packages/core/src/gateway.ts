export { setDeadline } from './deadline.ts';
export type {
  AuthorizeRequest,
  ConnectionInfo,
  FoundConnection,
  Gateway,
  GatewayLimits,
  GatewayOptions,
  GatewayTimings,
  Identity,
  Outcome,
  PostOptions,
  PostReceipt,
  RequestErrorCode,
  RequestHandler,
  RequestOptions,
} from './gateway/api.ts';
export { gatewayDefaults } from './gateway/defaults.ts';
export { createGateway } from './gateway/gateway.ts';
export type { MemoryBrokerOptions } from './gateway/nodes/memory-broker.ts';
export { createMemoryBroker } from './gateway/nodes/memory-broker.ts';
export type { MemoryRegistryOptions } from './gateway/nodes/memory-registry.ts';
export { createMemoryRegistry, memoryRegistryDefaults } from './gateway/nodes/memory-registry.ts';
export type { ConnectionReference, GatewayObserverEvents } from './gateway/observers.ts';
export type { Target } from './gateway/target.ts';
export { RetainedMessage } from './message.ts';
export type { Broker, NodeAnswer, NodeHandler } from './ports/broker.ts';
export type {
  Bye,
  Hello,
  ProtocolHost,
  ProtocolSession,
  Welcome,
  WireError,
  WireErrorCode,
  WireFrom,
  WireGap,
  WireProtocol,
  WireReply,
  WireSubscription,
} from './ports/protocol.ts';
export type { ConnectionEntry, ConnectionQuery, Registry } from './ports/registry.ts';
export type {
  Admission,
  Carrier,
  CarrierListener,
  Frame,
  FrameBatch,
  Handshake,
  Transport,
  TransportHost,
} from './ports/transport.ts';
export type { Reconnect } from './protocol/close-codes.ts';
export { closeCodes, reconnectAfter } from './protocol/close-codes.ts';
export { createHexbusV1EventSource } from './protocol/event-source.ts';
export { hexbusV1EventSourceName, hexbusV1Name, wireLimits } from './protocol/frames.ts';
export { createHexbusV1 } from './protocol/hexbus-v1.ts';
export type { Close } from './transport/close.ts';
export { closeOf, isCloseCode } from './transport/close.ts';
export { checkBoolean, checkClientAddress, checkInteger, checkPath } from './transport/options.ts';
export type { Origins } from './transport/origins.ts';
export { isOriginAllowed, resolveOrigins } from './transport/origins.ts';
export type { Place, PlaceOptions } from './transport/place.ts';
export { checkPlace } from './transport/place.ts';
export type { RequestHeaders } from './transport/request-headers.ts';
export { readAddress, readHeaders, readProtocols } from './transport/request-headers.ts';
export type { SliceWriter } from './transport/slice-queue.ts';
export { maxSliceBytes, SliceQueue } from './transport/slice-queue.ts';
