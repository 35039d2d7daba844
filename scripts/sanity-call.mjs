/**
 * One call into what was installed, so that a module that loads but does not work is seen.
 * @param {Record<string, any>} entries the loaded modules by entry name
 * @returns {Promise<string>} what to print
 */
export async function sanityCall(entries) {
  const { createBus } = entries['@hexbus/core'];
  const { createMemoryHistory } = entries['@hexbus/store-memory'];
  for (const [name, module] of Object.entries(entries)) {
    if (Object.keys(module).length === 0) throw new Error(`${name} exports nothing`);
  }
  const bus = createBus({ history: createMemoryHistory(), topics: { 'order.>': { retain: { maxCount: 10 } } } });
  await bus.open();
  await bus.publish('order.created', { orderId: '7' });
  const page = await bus.read('order.created', { last: 1 });
  await bus.close();
  const { orderId } = page.messages[0].body;
  if (orderId !== '7') throw new Error(`read orderId ${orderId} instead of 7`);
  return `${Object.keys(entries).length} entries, read back order ${orderId}`;
}
