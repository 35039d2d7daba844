/** What a handler of questions throws on purpose: nobody answers. */
export class NoAnswer extends Error {}
