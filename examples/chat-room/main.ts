/** Two people in a room with a memory: who is there, what was said before one came, and what the other missed while away. */
import { createWsTransport } from '@hexbus/adapter-ws';
import { type Client, createClient } from '@hexbus/client';
import { createBus } from '@hexbus/core';
import { createGateway } from '@hexbus/core/gateway';
import { createMemoryHistory } from '@hexbus/store-memory';
import { WebSocket } from 'ws';

const print = (line: string): void => void process.stdout.write(`${line}\n`);

const bus = createBus({
  history: createMemoryHistory(),
  topics: { 'room.*': { retain: { maxCount: 1_000 } }, '@user.>': { retain: { maxCount: 100 } } },
});
const transport = createWsTransport({ port: 0, host: '127.0.0.1' });
const gateway = createGateway(bus, {
  transports: [transport],
  authenticateToken: (token) => ({ userId: token }), // A real program checks the token.
  authorize: ({ topic }) => topic.startsWith('room.'),
});
await bus.open();
await gateway.open();

async function enter(name: string): Promise<Client> {
  const client = createClient({ url: `ws://127.0.0.1:${transport.port}/hexbus`, token: name, WebSocket });
  client.subscribe<string>('room.garden', ({ sender, body }) => print(`  ${name} reads: ${sender} said "${body}"`), {
    from: 'earliest',
  });
  client.on<string>('whisper', ({ body }) => print(`  ${name} alone reads: "${body}"`));
  client.handle('mood', () => `${name} is glad to be here`);
  await client.open();
  return client;
}

async function whoIsThere(): Promise<void> {
  const there = await gateway.connections.find();
  print(`In the room: ${there.map(({ userId }) => userId).join(', ') || 'nobody'}`);
}

const ann = await enter('ann');
await ann.publish('room.garden', 'Is anybody here?');
await whoIsThere();

const bob = await enter('bob'); // Bob reads what was said before he came.
await bob.publish('room.garden', 'Now I am.');
await whoIsThere();

const [first] = await gateway.connections.find({ user: 'ann' });
if (first !== undefined)
  print(`Asked, she answers: ${JSON.stringify(await gateway.request({ connection: first.id }, 'mood', null))}`);

await bob.close();
await gateway.post({ user: 'bob' }, 'whisper', 'This waited for you, bob.');
await ann.publish('room.garden', 'Bob has left. He will read this later.');
await whoIsThere();

const again = await enter('bob');
await again.publish('room.garden', 'Back again, with all that I missed.');
await whoIsThere();

for (const client of [ann, again]) await client.close();
await gateway.close();
await bus.close();
