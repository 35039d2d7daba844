import { describe, expect, test } from 'vitest';
import { message, type Opened, type Page, policies, Site } from './support/site.ts';

const body = JSON.stringify('x'.repeat(500));

/** Publishes until there is no room, and returns how many messages had some. */
async function fill(page: Page, history: Opened, quota: number): Promise<number> {
  page.storage.quota = quota;
  for (let count = 0; ; count++) {
    const { appended } = await history.write({ append: [message('wait.a', `m${count}`, { body, deduplicate: true })] });
    if (appended[0]?.status === 'appended') continue;
    expect(appended).toEqual([{ status: 'refused', reason: 'history-full' }]);
    return count;
  }
}

describe('a storage that is full', () => {
  test('refuses the messages that do not fit, each for itself, and keeps everything else', async () => {
    const site = new Site();
    const page = site.page();
    const history = await page.open();
    const count = await fill(page, history, 20_000);
    const before = await history.ids('wait.a');
    const large = message('other', 'large', { body });
    const { appended } = await history.write({ append: [large, message('other', 'small'), large] });
    expect(appended.map((result) => ('reason' in result ? result.reason : result.position))).toEqual([
      'history-full',
      count + 1,
      'history-full',
    ]);
    page.die();
    const next = await site.page(page).open();
    expect(await next.ids('wait.a')).toEqual(before);
    expect(await next.ids('other')).toEqual(['small']);
  });

  test('lets what waits be handled, dropped, or set aside as dead, and then has room again', async () => {
    const site = new Site();
    const page = site.page();
    const history = await page.open();
    const count = await fill(page, history, 30_000);
    page.storage.quota = page.storage.used;
    const positions = Array.from({ length: count }, (_, index) => index + 1);
    expect(await history.settle('dead', 'wait.a', 1, 2)).toEqual([true, true]);
    expect(await history.put('wait.a', 'again')).toEqual(['refused']);
    page.die();
    const second = site.page(page);
    second.storage.quota = page.storage.used;
    const next = await second.open();
    expect((await next.page('wait.a', 'dead')).reasons).toEqual(['bad', 'bad']);
    expect(await next.settle('handled', 'wait.a', ...positions.slice(2))).not.toContain(false);
    expect(await next.ids('wait.a')).toEqual([]);
    expect(await next.put('wait.a', 'm3', 'again')).toEqual(['duplicate', count + 1]);
    second.die();
    const third = await site.page(second).open();
    expect(await third.ids('wait.a')).toEqual(['again']);
    expect((await third.page('wait.a', 'dead')).reasons).toEqual(['bad', 'bad']);
  });

  test('keeps that messages died where it has no room for why', async () => {
    const site = new Site();
    const page = site.page();
    const history = await page.open();
    const count = await fill(page, history, 100_000);
    page.storage.quota = page.storage.used;
    for (let position = 1; position < count; position++) {
      const settle = [
        { outcome: 'dead', topic: 'wait.a', position, reason: `${position} ${'r'.repeat(500)}` },
      ] as const;
      expect((await history.write({ settle })).settled).toEqual([true]);
    }
    page.die();
    const second = site.page(page);
    second.storage.quota = second.storage.used;
    const next = await second.open();
    expect(await next.ids('wait.a')).toEqual([`m${count - 1}`]);
    expect((await next.page('wait.a', 'dead')).reasons).toHaveLength(count - 1);
    expect(await next.settle('handled', 'wait.a', count)).toEqual([true]);
    expect(await next.settle('requeue', 'wait.a', 1)).toEqual([true]);
    expect(await next.ids('wait.a')).toEqual(['m0']);
  });

  test('lets large batches be handled', async () => {
    const site = new Site();
    const page = site.page();
    const retention = policies.map((policy) => ({ ...policy, maxCount: 10_000 }));
    const history = await page.open({}, { retention });
    const count = await fill(page, history, 1_200_000);
    page.storage.quota = page.storage.used;
    const all = Array.from({ length: count }, (_, index) => index + 1);
    const scattered = all.filter((position) => position % 2 === 0).slice(0, 800);
    expect(await history.settle('handled', 'wait.a', ...scattered)).not.toContain(false);
    const rest = all.filter((position) => !scattered.includes(position));
    expect(await history.settle('handled', 'wait.a', ...rest.slice(400))).not.toContain(false);
    expect(await history.ids('wait.a')).toHaveLength(400);
  });

  test.each([
    ['few', 2, ['f2']],
    ['log.a', 3, []],
  ])('has room for a message of %s in place of the oldest', async (topic, count, lost) => {
    const site = new Site();
    const page = site.page();
    const history = await page.open();
    const put = async (id: string) => history.write({ append: [message(topic, id, { body })] });
    for (let number = 1; number <= count + 1; number++) await put(`f${number}`);
    page.storage.quota = page.storage.used;
    // One that is longer would need more than the oldest leaves, so none is lost for it.
    expect(await put('longer')).toMatchObject({ appended: [{ status: 'refused' }], dropped: [] });
    const { appended, dropped } = await put('f9');
    expect(appended).toMatchObject([{ status: 'appended' }]);
    expect(dropped.map(({ id }) => id)).toEqual(lost);
    expect((await history.page(topic)).trimmed).toEqual([{ topic, through: 2 }]);
    page.die();
    const ids = await (await site.page(page).open()).ids(topic);
    expect([ids.length, ids.includes('f2'), ids.at(-1)]).toEqual([count, false, 'f9']);
  });

  test('has room again when the ids of what was handled are no longer remembered', async () => {
    const site = new Site();
    const page = site.page();
    const history = await page.open();
    const ids = Array.from({ length: 100 }, (_, index) => `m${index}`);
    await history.settle('handled', 'wait.a', ...((await history.put('wait.a', ...ids)) as number[]));
    page.storage.quota = page.storage.used;
    expect(await history.put('wait.a', 'new')).toEqual(['refused']);
    site.now += 60_001;
    expect(await history.put('wait.a', 'new')).toEqual(['refused']);
    expect(await history.put('wait.a', 'new')).toEqual([101]);
  });

  test.each([
    ['too old', { maxAgeMs: 1000 }],
    ['too many', { maxCount: 2 }],
  ])('loses what is %s, however much that is', async (_, limits) => {
    const site = new Site();
    const page = site.page();
    const history = await page.open();
    const append = Array.from({ length: 500 }, (_, index) => message(`log.${index % 50}.x`, `m${index}`));
    await history.write({ append: append.map((each) => ({ ...each, topic: `z.${each.topic}` })) });
    await history.put('few', 'f1', 'f2');
    page.die();
    site.now += 1001;
    const next = site.page(page);
    next.storage.quota = page.storage.used;
    const retention = policies.map((policy) => ({ ...policy, ...limits }));
    const trimming = await next.open({}, { retention });
    const { dropped } = await trimming.write({});
    const left = (await trimming.page('z.>')).messages;
    expect(left).toHaveLength('maxCount' in limits ? 100 : 0);
    expect(dropped.map(({ id }) => id)).toEqual('maxCount' in limits ? [] : ['f1', 'f2']);
    next.die();
    expect((await (await site.page(next).open()).page('z.>')).messages).toEqual(left);
  });

  test('loses what is too old of topics with long names', async () => {
    const site = new Site();
    const page = site.page();
    const retention = policies.map((policy) => ({ ...policy, maxAgeMs: policy.kind === 'limits' ? 1000 : Infinity }));
    const history = await page.open({}, { retention });
    const tenant = 'tenant.3f2b8c1e-7d4a-4e0b-9c6f-1a2b3c4d5e6f.order.9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d';
    await history.write({ append: Array.from({ length: 60 }, (_, index) => message(`${tenant}.${index}`, 'x')) });
    const [first] = await history.put('wait.a', 'a', 'b');
    page.storage.quota = page.storage.used;
    site.now += 1001;
    expect(await history.settle('handled', 'wait.a', Number(first))).toEqual([true]);
    expect((await history.page('tenant.>')).messages).toEqual([]);
    expect((await history.page('tenant.>')).trimmed).toHaveLength(60);
  });

  test('lets cursors move, however many, and what waits be handled', async () => {
    const site = new Site();
    const page = site.page();
    const history = await page.open();
    await history.put('wait.a', 'a', 'b');
    const cursor = (index: number, position: number) => ({
      name: `durable-${index}`,
      epoch: history.head.epoch,
      position,
      filter: ['log.a'],
    });
    for (let index = 0; index < 200; index++) await history.write({ commitCursors: [cursor(index, 1)] });
    page.storage.quota = page.storage.used;
    for (let index = 0; index < 200; index++) await history.write({ commitCursors: [cursor(index, 1e15)] });
    expect(await history.settle('handled', 'wait.a', 1)).toEqual([true]);
    page.die();
    const next = site.page(page);
    next.storage.quota = page.storage.used;
    expect((await (await next.open()).store.loadCursor('durable-199'))?.position).toBe(1e15);
  });

  test('refuses a batch whose commit does not fit with HEXBUS_HISTORY_FULL, and nothing is changed', async () => {
    const site = new Site();
    const page = site.page();
    const history = await page.open();
    await history.put('wait.a', 'a', 'b');
    page.storage.quota = page.storage.used + 2000;
    const cursor = { name: 'n'.repeat(9000), epoch: 'e', position: 1, filter: ['>'] };
    const settle = [{ outcome: 'handled', topic: 'wait.a', position: 1 }] as const;
    const writing = history.write({ append: [message('wait.a', 'c')], settle, commitCursors: [cursor] });
    await expect(writing).rejects.toMatchObject({
      code: 'HEXBUS_HISTORY_FULL',
      retryable: true,
      message: expect.stringContaining('no room'),
      cause: { name: 'QuotaExceededError' },
    });
    expect(await history.ids('wait.a')).toEqual(['a', 'b']);
    expect(site.keys).toHaveLength(3);
    page.storage.quota = Number.POSITIVE_INFINITY;
    expect((await history.write({ append: [message('wait.a', 'c')], settle })).settled).toEqual([true]);
    expect(await history.ids('wait.a')).toEqual(['b', 'c']);
  });

  test('keeps a history from opening that was not there before, and says so', async () => {
    const page = new Site().page();
    page.storage.quota = 100;
    await expect(page.open()).rejects.toMatchObject({ code: 'HEXBUS_HISTORY_FULL', retryable: true });
    expect(page.storage.items.size).toBe(0);
  });

  test('has everything of a batch or nothing, wherever the room ends', async () => {
    const site = new Site();
    const probe = await site.page().open();
    const append = ['a', 'b', 'c'].map((id) => message('wait.a', id, { body, deduplicate: true }));
    await probe.write({ append });
    const most = site.page().storage.used;
    for (let quota = 4000; quota <= most + 200; quota += 61) {
      const tight = new Site();
      const page = tight.page();
      page.storage.quota = quota;
      const history = await page.open().catch(() => undefined);
      if (history === undefined) continue;
      const { appended } = await history.write({ append });
      const kept = append.filter((_, index) => appended[index]?.status === 'appended').map(({ id }) => id);
      expect(await history.ids('wait.a')).toEqual(kept);
      page.die();
      expect(await (await tight.page(page).open()).ids('wait.a'), `with room for ${quota}`).toEqual(kept);
    }
  });
});

test('a storage that fails in another way is told as that', async () => {
  const page = new Site().page();
  const history = await page.open();
  page.storage.beforeChange = () => {
    throw new Error('planted');
  };
  await expect(history.put('wait.a', 'a')).rejects.toMatchObject({
    code: 'HEXBUS_HISTORY_FAILED',
    message: expect.stringContaining('planted'),
  });
  page.storage.beforeChange = () => undefined;
  expect(await history.ids('wait.a')).toEqual([]);
  expect(await history.put('wait.a', 'a')).toEqual([1]);
});
