/** A person of this demonstration. She signs in by the address of her page: there are no passwords here. */
export interface User {
  readonly id: string;
  readonly name: string;
  /** What she may have of that which her page offers. */
  readonly permitted: readonly string[];
}

export const users: readonly User[] = [
  { id: 'ann', name: 'Ann', permitted: ['screen', 'questions', 'console'] },
  { id: 'bob', name: 'Bob', permitted: ['screen', 'questions'] },
  { id: 'cleo', name: 'Cleo', permitted: ['screen', 'questions'] },
  { id: 'dan', name: 'Dan', permitted: ['screen'] },
];

export function userOf(id: string | null): User | undefined {
  return users.find((user) => user.id === id);
}
