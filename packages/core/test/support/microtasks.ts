/** Resolves in so many microtasks: no turn of the event loop lies in between, however many there are. */
export async function microtasks(count: number): Promise<void> {
  for (let passed = 0; passed < count; passed++) await undefined;
}
