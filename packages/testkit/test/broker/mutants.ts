import { type CancelTimer, type Clock, HexbusError } from '@hexbus/core';
import type { NodeAnswer, NodeHandler } from '@hexbus/core/gateway';
import { MinimalBroker, type MinimalNode } from './minimal-broker.ts';

/** A broker with one fault, and the rule that must catch it. */
export interface BrokerMutant {
  readonly rule: string;
  readonly fault: string;
  readonly Broker: new (clock: Clock) => MinimalBroker;
}

type RequestOptions = Parameters<MinimalBroker['request']>[2];

export const brokerMutants: readonly BrokerMutant[] = [
  {
    rule: 'BR-01',
    fault: 'has no name',
    Broker: class extends MinimalBroker {
      override readonly name = '';
    },
  },
  {
    rule: 'BR-02',
    fault: 'asks whoever joined first',
    Broker: class extends MinimalBroker {
      override request(name: string, request: string, options: RequestOptions): Promise<NodeAnswer> {
        const [first = name] = this.nodes.keys();
        return super.request(this.nodes.has(name) ? first : name, request, options);
      }
    },
  },
  {
    rule: 'BR-03',
    fault: 'parses texts and writes them anew',
    Broker: class extends MinimalBroker {
      protected override answer(node: MinimalNode, request: string, timeoutMs: number): Promise<NodeAnswer> {
        return super.answer(node, JSON.stringify(JSON.parse(request)), timeoutMs);
      }
    },
  },
  {
    rule: 'BR-04',
    fault: 'gives a handler more time than the request has',
    Broker: class extends MinimalBroker {
      protected override answer(node: MinimalNode, request: string, timeoutMs: number): Promise<NodeAnswer> {
        return super.answer(node, request, timeoutMs + 1);
      }
    },
  },
  {
    rule: 'BR-05',
    fault: 'asks one thing after the other',
    Broker: class extends MinimalBroker {
      #last: Promise<unknown> = Promise.resolve();

      protected override answer(node: MinimalNode, request: string, timeoutMs: number): Promise<NodeAnswer> {
        const answer = this.#last.then(() => super.answer(node, request, timeoutMs));
        this.#last = answer;
        return answer;
      }
    },
  },
  {
    rule: 'BR-06',
    fault: 'answers with what a handler threw',
    Broker: class extends MinimalBroker {
      protected override async answer(node: MinimalNode, request: string, timeoutMs: number): Promise<NodeAnswer> {
        const text = await node.handler(request, { timeoutMs }).catch(String);
        return { status: 'answered', text };
      }
    },
  },
  {
    rule: 'BR-07',
    fault: 'normalizes the names of nodes',
    Broker: class extends MinimalBroker {
      override open(node: string, handler: NodeHandler): Promise<void> {
        return super.open(node.normalize('NFC'), handler);
      }

      override request(node: string, request: string, options: RequestOptions): Promise<NodeAnswer> {
        return super.request(node.normalize('NFC'), request, options);
      }
    },
  },
  {
    rule: 'BR-08',
    fault: 'waits for nodes that are not there',
    Broker: class extends MinimalBroker {
      override request(node: string, request: string, options: RequestOptions): Promise<NodeAnswer> {
        if (this.nodes.has(node)) return super.request(node, request, options);
        return new Promise((resolve) => this.startTimer(() => resolve({ status: 'timeout' }), options.timeoutMs));
      }
    },
  },
  {
    rule: 'BR-09',
    fault: 'gives up too early',
    Broker: class extends MinimalBroker {
      protected override startTimer(callback: () => void, timeoutMs: number): CancelTimer | undefined {
        return super.startTimer(callback, timeoutMs / 2);
      }
    },
  },
  {
    rule: 'BR-10',
    fault: 'takes Infinity for no time at all',
    Broker: class extends MinimalBroker {
      protected override startTimer(callback: () => void, timeoutMs: number): CancelTimer {
        return this.clock.setTimer(callback, timeoutMs === Infinity ? 1 : timeoutMs);
      }
    },
  },
  {
    rule: 'BR-11',
    fault: 'lets what a node was asked wait when it leaves',
    Broker: class extends MinimalBroker {
      override async close(node: string): Promise<void> {
        this.nodes.delete(node);
      }
    },
  },
  {
    rule: 'BR-12',
    fault: 'settles the requests of a node by its former handler',
    Broker: class extends MinimalBroker {
      readonly #first = new Map<string, Promise<string>>();

      override open(node: string, handler: NodeHandler): Promise<void> {
        return super.open(node, async (request, options) => {
          const answer = handler(request, options);
          const first = this.#first.get(node);
          if (first === undefined) this.#first.set(node, answer);
          return first === undefined ? answer : Promise.race([first, answer]);
        });
      }
    },
  },
  {
    rule: 'BR-13',
    fault: 'lets a name be taken over',
    Broker: class extends MinimalBroker {
      override async open(node: string, handler: NodeHandler): Promise<void> {
        await this.close(node);
        await super.open(node, handler);
      }
    },
  },
  {
    rule: 'BR-14',
    fault: 'cannot be closed twice',
    Broker: class extends MinimalBroker {
      override async close(node: string): Promise<void> {
        if (!this.nodes.has(node)) throw new HexbusError('HEXBUS_NOT_OPEN', 'not there');
        await super.close(node);
      }
    },
  },
  {
    rule: 'BR-15',
    fault: 'leaves its timers behind',
    Broker: class extends MinimalBroker {
      protected override startTimer(callback: () => void, timeoutMs: number): undefined {
        super.startTimer(callback, timeoutMs);
      }
    },
  },
];
