/** A promise together with what settles it. */
export class Deferred<Value = void> {
  resolve: (value: Value | PromiseLike<Value>) => void = () => undefined;
  reject: (error: unknown) => void = () => undefined;
  readonly promise: Promise<Value> = new Promise((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });
}
