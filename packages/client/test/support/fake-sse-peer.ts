import type { FakePost, FakeStream } from './fake-fetch.ts';
import type { FakePeer, FrameTuple } from './fake-peer.ts';

/** The server's end of one SSE link: takes every POST at once. */
export class FakeSsePeer implements FakePeer {
  readonly url: string;
  readonly protocols: readonly string[];
  readonly link: string;
  closedWith: FakePeer['closedWith'];
  readonly #opening: FakePost;
  readonly #sent: FrameTuple[] = [];
  #taken = 0;
  #stream: FakeStream | undefined;

  constructor(link: string, opening: FakePost) {
    this.link = link;
    this.url = opening.url;
    this.protocols = [opening.headers['hexbus-protocol'] ?? ''];
    this.#opening = opening;
    this.#hear(opening);
  }

  get readyState(): number {
    if (this.#opening.aborted || this.#stream?.over || this.closedWith !== undefined) return 3;
    return this.#stream === undefined ? 0 : 1;
  }

  get sent(): readonly FrameTuple[] {
    return this.#sent;
  }

  accept(): void {
    this.#stream = this.#opening.stream();
    this.#stream.open({ link: this.link, protocol: this.protocols[0], maxBodyBytes: 65_536 });
  }

  say(...frames: readonly unknown[]): void {
    if (this.readyState === 1) this.#stream?.say(...frames);
  }

  cut(code = 1006, reason = ''): void {
    if (this.readyState === 0) this.#opening.fail();
    else if (code === 1006) this.#stream?.fail();
    else this.#stream?.close(code, reason);
  }

  take(): FrameTuple[] {
    const fresh = this.#sent.slice(this.#taken);
    this.#taken = this.#sent.length;
    return fresh;
  }

  /** The client sends. */
  posted(post: FakePost): void {
    if (this.readyState !== 1) {
      post.answer(409);
      return;
    }
    this.#hear(post);
    post.answer(202);
    const { searchParams } = new URL(post.url);
    const code = searchParams.get('close');
    if (code !== null) this.closedWith = { code: Number(code), reason: searchParams.get('reason') ?? '' };
  }

  #hear({ texts }: FakePost): void {
    this.#sent.push(...texts.map((text) => JSON.parse(text) as FrameTuple));
  }
}
