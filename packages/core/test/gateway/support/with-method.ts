/** The same object, but for one method: to make a part that waits or fails as a test says. */
export function withMethod<Part extends object>(part: Part, name: keyof Part, method: unknown): Part {
  return new Proxy(part, {
    get(target, key) {
      if (key === name) return method;
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
