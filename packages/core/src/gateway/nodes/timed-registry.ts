import type { Clock } from '../../clock.ts';
import { HexbusError } from '../../errors.ts';
import type { ConnectionEntry, ConnectionQuery, Registry } from '../../ports/registry.ts';
import { OpenCalls } from './open-calls.ts';

/** A registry that is waited for at most a third of its lease, in all that is called while the gateway is open. Then the call has failed, whatever becomes of it. */
export class TimedRegistry implements Registry {
  readonly name: string;
  readonly leaseMs: number;
  readonly #registry: Registry;
  readonly #open: OpenCalls;

  constructor(registry: Registry, clock: Clock) {
    this.name = registry.name;
    this.leaseMs = registry.leaseMs;
    this.#registry = registry;
    this.#open = new OpenCalls(clock);
  }

  async open(node: string): Promise<void> {
    await this.#registry.open(node);
  }

  register(entry: ConnectionEntry): Promise<void> {
    return this.#inTime('register', () => this.#registry.register(entry));
  }

  unregister(connection: string): Promise<void> {
    return this.#inTime('unregister', () => this.#registry.unregister(connection));
  }

  renew(node: string): Promise<boolean> {
    return this.#inTime('renew', () => this.#registry.renew(node));
  }

  find(query: ConnectionQuery): Promise<readonly ConnectionEntry[]> {
    return this.#inTime('find', () => this.#registry.find(query));
  }

  async close(node: string): Promise<void> {
    await this.#registry.close(node);
  }

  /** The gateway is closed: no call is waited for any more. */
  end(): void {
    this.#open.end();
  }

  #inTime<Answer>(verb: string, call: () => Promise<Answer>): Promise<Answer> {
    const timeoutMs = this.leaseMs / 3;
    return this.#open.wait(call, { timeoutMs }, (why) => {
      if (why === 'ended') throw new HexbusError('HEXBUS_CLOSED', `${verb} of the registry: the gateway is closed`);
      const message = `the registry did not answer ${verb} within ${Math.round(timeoutMs)} ms; look whether it can be reached`;
      throw new HexbusError('HEXBUS_HANDLER_TIMEOUT', message, { retryable: true });
    });
  }
}
