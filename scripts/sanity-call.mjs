/**
 * One call into what was installed, so that a module that loads but does not work is seen.
 * @param {Record<string, object>} entries the loaded modules by entry name
 * @returns {Promise<string>} what to print
 */
export async function sanityCall(entries) {
  for (const [name, module] of Object.entries(entries)) {
    if (Object.keys(module).length === 0) throw new Error(`${name} exports nothing`);
  }
  const { createBus } = /** @type {typeof import('@hexbus/core')} */ (entries['@hexbus/core']);
  const { createMemoryHistory } = /** @type {typeof import('@hexbus/store-memory')} */ (
    entries['@hexbus/store-memory']
  );
  const bus = createBus({ history: createMemoryHistory(), topics: { 'order.>': { retain: { maxCount: 10 } } } });
  await bus.open();
  await bus.publish('order.created', { orderId: '7' });
  const { messages } = await bus.read('order.created', { last: 1 });
  const read = JSON.stringify(messages.map(({ body }) => body));
  if (read !== '[{"orderId":"7"}]') throw new Error(`read ${read}`);
  const followed = await follow(entries, bus);
  if (followed !== '{"orderId":"7"}') throw new Error(`a client got ${followed}`);
  await bus.close();
  return `${Object.keys(entries).length} entries, read back ${read}, and a client got it`;
}

/**
 * What a client gets over WebSocket.
 * @param {Record<string, object>} entries
 * @param {import('@hexbus/core').Bus} bus
 */
async function follow(entries, bus) {
  const { createGateway } = /** @type {typeof import('@hexbus/core/gateway')} */ (entries['@hexbus/core/gateway']);
  const { createWsTransport } = /** @type {typeof import('@hexbus/adapter-ws')} */ (entries['@hexbus/adapter-ws']);
  const { createClient } = /** @type {typeof import('@hexbus/client')} */ (entries['@hexbus/client']);
  const { WebSocket } = await import('ws');
  const transport = createWsTransport({ port: 0, host: '127.0.0.1' });
  const gateway = createGateway(bus, { transports: [transport], authorize: () => true });
  await gateway.open();
  const client = createClient({ url: `ws://127.0.0.1:${transport.port}/hexbus`, WebSocket });
  const first = new Promise((resolve) => {
    client.subscribe('order.*', ({ body }) => resolve(JSON.stringify(body)), { from: 'earliest' });
  });
  await client.open();
  const got = await first;
  await client.close();
  await gateway.close();
  return got;
}
