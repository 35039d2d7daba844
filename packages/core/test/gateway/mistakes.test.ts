import { expect, it } from 'vitest';
import { rejection } from '../support/buses.ts';
import { useGateways } from './support/use-gateways.ts';

const gateways = useGateways();

it('mistakes of the caller are told by name', async () => {
  const { gateway } = await gateways.open();
  const id = 'x';
  const mistakes: Record<string, () => unknown> = {
    target: () => gateway.post({} as never, 'T', 1),
    'target.user': () => gateway.post({ user: '' }, 'T', 1),
    type: () => gateway.post({ all: true }, '', 1),
    name: () => gateway.request({ connection: id }, 'n'.repeat(129), 1),
    timeoutMs: () => gateway.request({ connection: id }, 'n', 1, { timeoutMs: -1 }),
    signal: () => gateway.request({ connection: id }, 'n', 1, { signal: new AbortController() as never }),
    'target names': () => gateway.request({ all: true } as never, 'n', 1),
    'target names more': () => gateway.request({ user: id } as never, 'n', 1),
    query: () => gateway.connections.find(null as never),
    'query.user': () => gateway.connections.find({ user: undefined } as never),
    'query.session': () => gateway.connections.find({ user: id, session: 7 } as never),
    'query.userId': () => gateway.connections.find({ userId: id } as never),
    reason: () => gateway.disconnect({ all: true }, { why: 1 } as never),
    handler: () => gateway.handle('n', 7 as never),
    observer: () => gateway.observe('posted', undefined as never),
    event: () => gateway.observe('gone' as never, () => {}),
  };
  for (const [field, call] of Object.entries(mistakes)) {
    const error = await rejection((async () => call())());
    expect(error, field).toMatchObject({ code: 'HEXBUS_CONFIG' });
    expect((error as Error).message.startsWith(`${field} `), (error as Error).message).toBe(true);
  }
  expect(await rejection(gateway.revoke({ all: true }, 'a..b'))).toMatchObject({ code: 'HEXBUS_INVALID_TOPIC' });
});
