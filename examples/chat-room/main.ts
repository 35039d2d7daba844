/** Two people in a room with a memory: who is there, what was said before one came, and what the other missed while away. */
import { createWsTransport } from '@hexbus/adapter-ws';
import { createClient } from '@hexbus/client';
import { createBus, type Message } from '@hexbus/core';
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
  authorize: ({ topic }) => topic === 'room.garden',
});
await bus.open();
await gateway.open();

/** Lets somebody in, who prints what she has read once it is so many messages. */
async function enter(name: string) {
  const client = createClient({ url: `ws://127.0.0.1:${transport.port}/hexbus`, token: name, WebSocket });
  const said: string[] = [];
  let hear = (): void => undefined;
  const listen = ({ sender, body }: Message): void => {
    said.push(`  ${name} reads: ${sender} said "${body}"`);
    hear();
  };
  client.subscribe('room.garden', listen, { from: 'earliest' });
  const whispered = new Promise((resolve) => client.on('whisper', ({ body }) => resolve(body)));
  client.handle('mood', () => `${name} is glad to be here`);
  await client.open();
  async function reads(count: number): Promise<void> {
    while (said.length < count) await new Promise<void>((resolve) => (hear = resolve));
    for (const line of said.splice(0, count)) print(line);
  }
  return { client, reads, whispered };
}

async function whoIsThere(): Promise<void> {
  const there = await gateway.connections.find();
  print(`In the room: ${there.map(({ userId }) => userId).join(', ')}`);
}

const ann = await enter('ann');
await ann.client.publish('room.garden', 'Is anybody here?');
await ann.reads(1);
await whoIsThere();

const bob = await enter('bob');
await bob.client.publish('room.garden', 'Now I am.');
await bob.reads(2); // The first was said before he came.
await ann.reads(1);
await whoIsThere();

const [first] = await gateway.connections.find({ user: 'ann' });
if (first !== undefined)
  print(`Ann is asked: ${JSON.stringify(await gateway.request({ connection: first.id }, 'mood', null))}`);

const left = new Promise((resolve) => gateway.observe('disconnected', resolve));
await bob.client.close();
await left;
await whoIsThere();
await gateway.post({ user: 'bob' }, 'whisper', 'This waited for you.');
await ann.client.publish('room.garden', 'Bob will read this later.');
await ann.reads(1);

const bobAgain = await enter('bob');
await bobAgain.reads(3);
print(`  bob alone reads: "${await bobAgain.whispered}"`);
await whoIsThere();

for (const { client } of [ann, bobAgain]) await client.close();
await gateway.close();
await bus.close();
