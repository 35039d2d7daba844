import { createFrameBatch } from '@hexbus/testkit';
import { describe, expect, it } from 'vitest';
import { closeAfterEach, openSse } from './support/host.ts';
import { post, postOn } from './support/posts.ts';
import { opened, RawClient } from './support/raw-client.ts';

closeAfterEach();

/** A transport with one client. */
async function linked(options: Parameters<typeof openSse>[0] = {}) {
  const lab = await openSse(options);
  const arriving = lab.nextGuest();
  const client = await opened(lab.port);
  const guest = await arriving;
  return { ...lab, client, guest, link: client.link };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

it('tells the link, the protocol and the bound first, and takes the texts that came with the question', async () => {
  const { port, nextGuest } = await openSse();
  const arriving = nextGuest();
  const { link, told, socket } = await opened(port, '[1]\n[2]');
  const guest = await arriving;
  await guest.got(2);
  expect(guest.texts).toEqual(['[1]', '[2]']);
  expect(told).toEqual({
    link: expect.stringMatching(/^lab\.[0-9a-f]{32}\.[0-9a-f]{32}$/),
    protocol: 'lab.v1',
    maxBodyBytes: 65_536,
  });
  expect(link).toBe(told['link']);
  socket.destroy();
});

it('takes POSTs in order, and each once however often it comes', async () => {
  const { port, link, guest } = await linked();
  expect(await postOn(port, link, 1, 'a\nb\n\nc')).toMatchObject({ status: 202, text: '', isRefused: false });
  for (let count = 0; count < 3; count++) expect((await postOn(port, link, 1, 'a\nb')).status).toBe(202);
  expect((await postOn(port, link, 3, 'too early')).status).toBe(409);
  expect((await postOn(port, link, 2, 'd')).status).toBe(202);
  expect((await postOn(port, link, 1, 'e')).status).toBe(202);
  expect(guest.texts).toEqual(['a', 'b', 'c', 'd']);
});

it('answers when the texts were taken: behind a pause late; of those who wait there for one POST, only the last', async () => {
  const { port, link, guest } = await linked();
  guest.onText = (text) => text === 'a' && guest.carrier.pause();
  const statuses: number[] = [];
  const asked = [1, 1, 1].map((sequence) =>
    postOn(port, link, sequence, 'a\nb').then(({ status }) => statuses.push(status)),
  );
  await guest.got(1);
  expect((await postOn(port, link, 2, 'c')).status).toBe(409);
  while (statuses.length < 2) await turn();
  expect([guest.texts, statuses]).toEqual([['a'], [503, 503]]);
  guest.carrier.resume();
  await Promise.all(asked);
  expect(statuses).toEqual([503, 503, 202]);
  expect((await postOn(port, link, 2, 'c')).status).toBe(202);
  expect(guest.texts).toEqual(['a', 'b', 'c']);
});

describe('a body that is still under way', () => {
  /** One that sends the head of a POST and half of its body, when the server has seen that. */
  const half = async (port: number, link: string, sequence: number): Promise<RawClient> => {
    const client = new RawClient(port);
    const length = { 'Content-Type': 'application/x-ndjson', 'Content-Length': '10', Expect: '100-continue' };
    const headers = { ...length, 'Hexbus-Link': link, 'Hexbus-Sequence': String(sequence) };
    client.ask({ method: 'POST', headers, body: 'half' });
    expect((await client.answer()).status).toBe(100);
    return client;
  };

  it('is not waited for, unless it is that of the next POST', async () => {
    const { port, link, guest } = await linked();
    expect((await postOn(port, link, 1, 'a')).status).toBe(202);
    for (const [sequence, status] of [
      [1, 202],
      [3, 409],
    ] as const) {
      const client = await half(port, link, sequence);
      expect((await client.answer()).status).toBe(status);
      client.socket.destroy();
    }
    expect(guest.texts).toEqual(['a']);
  });

  it('is read no longer when the POST comes again, so that of each link there is one', async () => {
    const { port, link, guest } = await linked();
    const [first, second] = [await half(port, link, 1), await half(port, link, 1)];
    expect((await first.answer()).status).toBe(503);
    expect((await postOn(port, link, 1, 'a')).status).toBe(202);
    expect((await second.answer()).status).toBe(503);
    expect(guest.texts).toEqual(['a']);
    for (const { socket } of [first, second]) socket.destroy();
  });

  it('does not end what other links send', async () => {
    const { port, link } = await linked();
    const other = await opened(port);
    const clients = [await half(port, link, 1), await half(port, other.link, 1)];
    for (const client of clients) {
      client.socket.write(' whole');
      expect((await client.answer()).status).toBe(202);
    }
    for (const { socket } of [other, ...clients]) socket.destroy();
  });
});

it('holds the first POST back behind what came with the question', async () => {
  const lab = await openSse();
  const arriving = lab.nextGuest((guest) => {
    guest.onText = (text) => text === 'a' && guest.carrier.pause();
  });
  const { link } = await opened(lab.port, 'a\nb');
  const guest = await arriving;
  const posting = postOn(lab.port, link, 1, 'c');
  const repeating = postOn(lab.port, link, 1, 'c');
  // Now the other one waits.
  const first = await Promise.race([posting, repeating]);
  expect([first.status, guest.texts]).toEqual([503, ['a']]);
  guest.carrier.resume();
  const statuses = (await Promise.all([posting, repeating])).map(({ status }) => status);
  expect(statuses.sort()).toEqual([202, 503]);
  expect(guest.texts).toEqual(['a', 'b', 'c']);
});

it('ends with the code of the client, behind its texts', async () => {
  const { port, link, guest, client } = await linked();
  expect((await postOn(port, link, 1, 'last', `?close=4321&reason=${encodeURIComponent('because ü')}`)).status).toBe(
    202,
  );
  expect(guest.texts).toEqual(['last']);
  expect(await guest.ended).toBe(4321);
  await client.closed;
  expect((await postOn(port, link, 2, 'later')).status).toBe(409);
});

describe('a POST that waits behind a pause settles', () => {
  it('when this side closes, as taken and dropped', async () => {
    const { port, link, guest } = await linked();
    guest.onText = () => guest.carrier.pause();
    const posting = postOn(port, link, 1, 'a\nb');
    await guest.got(1);
    guest.carrier.close(4109, 'enough');
    expect((await posting).status).toBe(202);
    expect(guest.texts).toEqual(['a']);
  });

  it('when the stream is cut, as of a link that is gone', async () => {
    const { port, link, guest, client } = await linked();
    guest.onText = () => guest.carrier.pause();
    const posting = postOn(port, link, 1, 'a\nb');
    await guest.got(1);
    client.socket.resetAndDestroy();
    expect((await posting).status).toBe(409);
    expect(await guest.ended).toBe(1006);
  });

  it('and nobody minds when its sender goes', async () => {
    const { port, link, guest } = await linked();
    guest.onText = () => guest.carrier.pause();
    const sender = new RawClient(port);
    sender.ask({
      method: 'POST',
      headers: { 'Content-Type': 'application/x-ndjson', 'Hexbus-Link': link, 'Hexbus-Sequence': '1' },
      body: 'a\nb',
    });
    await guest.got(1);
    sender.socket.resetAndDestroy();
    await sender.closed;
    guest.carrier.resume();
    expect((await postOn(port, link, 1, 'a\nb')).status).toBe(202);
    expect(guest.texts).toEqual(['a', 'b']);
  });
});

describe('threat 37: a POST', () => {
  const half = '0'.repeat(32);

  it.each([
    ['without a content type', { 'content-type': undefined }, '', 415],
    ['of text', { 'content-type': 'text/plain' }, '', 415],
    ['of a form', { 'content-type': 'application/x-www-form-urlencoded' }, '', 415],
    ['of JSON', { 'content-type': 'application/json' }, '', 415],
    ['of a foreign page', { origin: 'https://evil.example' }, '', 403],
    ['without a link', { 'hexbus-link': undefined }, '', 401],
    ['with a key that is not its own', { 'hexbus-link': `lab.LINK.${half}` }, '', 403],
    ['with a link that nobody made', { 'hexbus-link': `lab.${half}.${half}` }, '', 409],
    ['with a link of a node that does not answer', { 'hexbus-link': `elsewhere.${half}.${half}` }, '', 409],
    ['with half a link', { 'hexbus-link': `lab.${half}` }, '', 400],
    ['with a link of no name of a node', { 'hexbus-link': `*.${half}.${half}` }, '', 400],
    ['with a link of a long name of a node', { 'hexbus-link': `${'n'.repeat(129)}.${half}.${half}` }, '', 400],
    ['with a link of an encoded name of a node', { 'hexbus-link': `%3E.${half}.${half}` }, '', 400],
    ['without a number', { 'hexbus-sequence': undefined }, '', 400],
    ['with number 0', { 'hexbus-sequence': '0' }, '', 400],
    ['with number 1.5', { 'hexbus-sequence': '1.5' }, '', 400],
    ['with number 1e3', { 'hexbus-sequence': '1e3' }, '', 400],
    ['with a number beyond all numbers', { 'hexbus-sequence': '9'.repeat(17) }, '', 400],
    ['with a code that is none', {}, '?close=1006', 400],
    ['with a code in words', {}, '?close=soon', 400],
  ] as [string, Record<string, string | undefined>, string, number][])('%s', async (_, headers, query, status) => {
    const { port, link, guest } = await linked();
    const id = link.split('.')[1] ?? '';
    const asked = { 'hexbus-link': link, 'hexbus-sequence': '1', ...headers };
    if (asked['hexbus-link']?.includes('LINK')) asked['hexbus-link'] = asked['hexbus-link'].replace('LINK', id);
    expect(await post(port, asked, 'text', query)).toMatchObject({ status, isRefused: true });
    expect(guest.texts).toEqual([]);
    expect((await postOn(port, link, 1, 'mine')).status).toBe(202);
  });

  it('with the key of another client', async () => {
    const { port, link, guest } = await linked();
    const other = await opened(port);
    const [node, id] = link.split('.');
    const key = other.link.split('.')[2];
    expect((await postOn(port, `${node}.${id}.${key}`, 1, 'stolen')).status).toBe(403);
    expect(guest.texts).toEqual([]);
    other.socket.destroy();
  });

  it('with broken UTF-8 is refused, and changes nothing', async () => {
    const { port, link, guest } = await linked();
    for (const bytes of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0x80]]) {
      expect((await postOn(port, link, 1, Buffer.from(bytes))).status).toBe(400);
    }
    expect((await postOn(port, link, 1, '\ufeffü')).status).toBe(202);
    expect(guest.texts).toEqual(['\ufeffü']);
  });

  it('of 64 KiB is taken, of one byte more is refused and ends the link with 1009', async () => {
    const { port, link, guest, client } = await linked();
    expect((await postOn(port, link, 1, 'x'.repeat(65_536))).status).toBe(202);
    expect((await postOn(port, link, 2, 'x'.repeat(65_537))).status).toBe(413);
    expect(await guest.ended).toBe(1009);
    expect(await client.event()).toBe('event: close\ndata: {"code":1009,"reason":"too much in one message"}');
    await client.closed;
  });

  it('of endless chunks gets its answer, and its connection ends', async () => {
    const { port, link, guest } = await linked({ bodyTimeoutMs: 5_000 });
    const endless = new RawClient(port);
    endless.ask({
      method: 'POST',
      headers: {
        'Content-Type': 'application/x-ndjson',
        'Content-Length': undefined,
        'Transfer-Encoding': 'chunked',
        'Hexbus-Link': link,
        'Hexbus-Sequence': '1',
      },
    });
    const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
    const writing = setInterval(() => endless.socket.write(chunk), 5);
    expect((await endless.answer()).status).toBe(413);
    expect(await guest.ended).toBe(1009);
    await endless.closed;
    clearInterval(writing);
  });

  it('that is too large is refused by its length alone, also when it opens', async () => {
    const { port, handshakes } = await openSse({ maxMessageBytes: 10 });
    expect((await post(port, {}, 'x'.repeat(11))).status).toBe(413);
    const client = new RawClient(port);
    client.open('', { 'Content-Length': '11' });
    expect((await client.answer()).status).toBe(413);
    expect(handshakes).toEqual([]);
    client.socket.destroy();
  });

  it('whose body comes too slowly', async () => {
    const { port, link } = await linked({ bodyTimeoutMs: 50 });
    for (const headers of [{}, { 'Hexbus-Link': link, 'Hexbus-Sequence': '1' }]) {
      const slow = new RawClient(port);
      slow.ask({
        method: 'POST',
        headers: { 'Content-Type': 'application/x-ndjson', 'Content-Length': '10', ...headers },
        body: 'half',
      });
      expect((await slow.answer()).status).toBe(408);
      await slow.closed;
    }
    expect((await postOn(port, link, 1, 'in time')).status).toBe(202);
  });
});

it('still takes POSTs while it drains, and none when it is closed', async () => {
  const { transport, port, link, guest, client } = await linked();
  transport.drain();
  expect((await postOn(port, link, 1, 'a')).status).toBe(202);
  guest.carrier.send(createFrameBatch('b'));
  expect(await client.event()).toBe('data: b');
  await transport.close();
  expect((await postOn(port, link, 2, 'c')).status).toBe(0);
});
