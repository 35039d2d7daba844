import { type Clock, HexbusError } from '@hexbus/core';
import type { ConnectionEntry, ConnectionQuery } from '@hexbus/core/gateway';
import { MinimalRegistry } from './minimal-registry.ts';

/** A registry with one fault, and the rule that must catch it. */
export interface RegistryMutant {
  readonly rule: string;
  readonly fault: string;
  readonly Registry: new (clock: Clock) => MinimalRegistry;
}

export const registryMutants: readonly RegistryMutant[] = [
  {
    rule: 'RG-01',
    fault: 'has no name',
    Registry: class extends MinimalRegistry {
      override readonly name = '';
    },
  },
  {
    rule: 'RG-02',
    fault: 'takes connections of anybody',
    Registry: class extends MinimalRegistry {
      protected override isAlive(node: string): boolean {
        return !this.renewedAt.has(node) || super.isAlive(node);
      }
    },
  },
  {
    rule: 'RG-03',
    fault: 'keeps the connections of a node that crashed and joins again',
    Registry: class extends MinimalRegistry {
      override async open(node: string): Promise<void> {
        this.renewedAt.set(node, this.clock.now());
      }
    },
  },
  {
    rule: 'RG-04',
    fault: 'keeps a node that leaves until its lease ends',
    Registry: class extends MinimalRegistry {
      override async close(): Promise<void> {}
    },
  },
  {
    rule: 'RG-05',
    fault: 'lets a late renewal bring a node back that has left',
    Registry: class extends MinimalRegistry {
      override async renew(node: string): Promise<boolean> {
        if (!this.renewedAt.has(node)) await this.open(node);
        return super.renew(node);
      }
    },
  },
  {
    rule: 'RG-06',
    fault: 'cannot be closed twice',
    Registry: class extends MinimalRegistry {
      override async close(node: string): Promise<void> {
        if (!this.renewedAt.has(node)) throw new HexbusError('HEXBUS_NOT_OPEN', 'not there');
        await super.close(node);
      }
    },
  },
  {
    rule: 'RG-07',
    fault: 'forgets by what transport a connection came',
    Registry: class extends MinimalRegistry {
      override register(entry: ConnectionEntry): Promise<void> {
        return super.register({ ...entry, transport: 'ws' });
      }
    },
  },
  {
    rule: 'RG-08',
    fault: 'looks at the first field of a query only',
    Registry: class extends MinimalRegistry {
      protected override matches(entry: ConnectionEntry, query: ConnectionQuery): boolean {
        const first = Object.entries(query).find(([, value]) => value !== undefined);
        return super.matches(entry, first === undefined ? {} : { [first[0]]: first[1] });
      }
    },
  },
  {
    rule: 'RG-09',
    fault: 'finds in the order of registration',
    Registry: class extends MinimalRegistry {
      protected override found(query: ConnectionQuery): ConnectionEntry[] {
        return this.entries.filter((entry) => this.isAlive(entry.node) && this.matches(entry, query));
      }
    },
  },
  {
    rule: 'RG-10',
    fault: 'normalizes texts',
    Registry: class extends MinimalRegistry {
      protected override matches(entry: ConnectionEntry, query: ConnectionQuery): boolean {
        const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value).normalize('NFC')) as T;
        return super.matches(plain(entry), plain(query));
      }
    },
  },
  {
    rule: 'RG-11',
    fault: 'adds what it should replace',
    Registry: class extends MinimalRegistry {
      override async register(entry: ConnectionEntry): Promise<void> {
        const before = this.entries;
        await super.register(entry);
        this.entries = [...before, entry];
      }
    },
  },
  {
    rule: 'RG-12',
    fault: 'rejects what it cannot unregister',
    Registry: class extends MinimalRegistry {
      override async unregister(connection: string): Promise<void> {
        if (this.entries.every(({ id }) => id !== connection)) throw new HexbusError('HEXBUS_CONFIG', 'not there');
        await super.unregister(connection);
      }
    },
  },
  {
    rule: 'RG-13',
    fault: 'hands out what it keeps',
    Registry: class extends MinimalRegistry {
      override async find(query: ConnectionQuery): Promise<readonly ConnectionEntry[]> {
        return this.found(query);
      }
    },
  },
  {
    rule: 'RG-14',
    fault: 'registers later than it unregisters',
    Registry: class extends MinimalRegistry {
      override async register(entry: ConnectionEntry): Promise<void> {
        await new Promise<void>((resolve) => this.clock.nextTurn(resolve));
        await super.register(entry);
      }
    },
  },
  {
    rule: 'RG-15',
    fault: 'ends every lease after the first',
    Registry: class extends MinimalRegistry {
      override async renew(node: string): Promise<boolean> {
        return this.isAlive(node) ? false : super.renew(node);
      }
    },
  },
  {
    rule: 'RG-16',
    fault: 'finds the connections of dead nodes',
    Registry: class extends MinimalRegistry {
      protected override isAlive(node: string): boolean {
        return this.renewedAt.has(node);
      }
    },
  },
  {
    rule: 'RG-17',
    fault: 'takes registering for a sign of life',
    Registry: class extends MinimalRegistry {
      override async register(entry: ConnectionEntry): Promise<void> {
        await super.register(entry);
        this.renewedAt.set(entry.node, this.clock.now());
      }
    },
  },
  {
    rule: 'RG-18',
    fault: 'takes connections of dead nodes, and does not find them',
    Registry: class extends MinimalRegistry {
      override async register(entry: ConnectionEntry): Promise<void> {
        if (this.renewedAt.has(entry.node) && !this.isAlive(entry.node)) return;
        await super.register(entry);
      }
    },
  },
  {
    rule: 'RG-19',
    fault: 'brings a dead node back with its connections',
    Registry: class extends MinimalRegistry {
      override async renew(node: string): Promise<boolean> {
        const wasDead = !this.isAlive(node);
        if (this.renewedAt.has(node)) this.renewedAt.set(node, this.clock.now());
        return (await super.renew(node)) || wasDead;
      }
    },
  },
  {
    rule: 'RG-20',
    fault: 'drops with a node whatever it has ever registered',
    Registry: class extends MinimalRegistry {
      readonly #ever: ConnectionEntry[] = [];

      override async register(entry: ConnectionEntry): Promise<void> {
        this.#ever.push(entry);
        await super.register(entry);
      }

      override async close(node: string): Promise<void> {
        await super.close(node);
        this.drop((entry) => this.#ever.some(({ id, node: owner }) => owner === node && id === entry.id));
      }
    },
  },
];
