/**
 * Runs a body when woken: never inside `wake`, never twice at once, and once more if a wake came while it ran. The body returns when there is
 * nothing left to do. If it rejects, which would be a mistake of ours, that is told, and the next wake runs it again.
 */
export class WakeLoop {
  readonly #body: () => Promise<void>;
  readonly #onError: (error: unknown) => void;
  #running: Promise<void> | undefined;
  #woken = false;
  #stopped = false;

  constructor(body: () => Promise<void>, onError: (error: unknown) => void) {
    this.#body = body;
    this.#onError = onError;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  wake(): void {
    this.#woken = true;
    if (!this.#stopped) this.#running ??= this.#run();
  }

  /** No body starts any more. Resolves when the one under way has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    await undefined;
    while (this.#woken && !this.#stopped) {
      this.#woken = false;
      try {
        await this.#body();
      } catch (error) {
        this.#onError(error);
      }
    }
    this.#running = undefined;
  }
}
