/**
 * @typedef {{ open(): Promise<unknown>, publish(topic: string, body: object): Promise<unknown>, close(): Promise<unknown>,
 *   read(topic: string, query: object): Promise<{ messages: readonly { body: unknown }[] }> }} Bus
 * @typedef {{ createBus(options: object): Bus }} Core
 * @typedef {{ createMemoryHistory(): object }} StoreMemory
 */

/**
 * One call into what was installed, so that a module that loads but does not work is seen.
 * @param {Record<string, object>} entries the loaded modules by entry name
 * @returns {Promise<string>} what to print
 */
export async function sanityCall(entries) {
  for (const [name, module] of Object.entries(entries)) {
    if (Object.keys(module).length === 0) throw new Error(`${name} exports nothing`);
  }
  const { createBus } = /** @type {Core} */ (entries['@hexbus/core']);
  const { createMemoryHistory } = /** @type {StoreMemory} */ (entries['@hexbus/store-memory']);
  const bus = createBus({ history: createMemoryHistory(), topics: { 'order.>': { retain: { maxCount: 10 } } } });
  await bus.open();
  await bus.publish('order.created', { orderId: '7' });
  const { messages } = await bus.read('order.created', { last: 1 });
  await bus.close();
  const read = JSON.stringify(messages.map(({ body }) => body));
  if (read !== '[{"orderId":"7"}]') throw new Error(`read ${read}`);
  return `${Object.keys(entries).length} entries, read back ${read}`;
}
