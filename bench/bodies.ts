/** A body of 256 bytes as JSON, another one for each number. */
export interface Body {
  readonly step: number;
  readonly text: string;
}

const text =
  'What is published here is as long as a short message between two people, or as an event with a few fields in it. '
    .repeat(3)
    .slice(0, 229);

/** For numbers below nine million. */
export function bodyOf(index: number): Body {
  return { step: 1_000_000 + index, text };
}

export function stepOf(body: unknown): number {
  return (body as Body).step - 1_000_000;
}
