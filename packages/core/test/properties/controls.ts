import type { Command } from './commands.ts';
import { withdrawn } from './publishes.ts';
import type { World } from './world.ts';

/** Carries commands out. */
export class Controls {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** Returns what the next command waits for, if it does. */
  make(command: Command): Promise<unknown> | undefined {
    const world = this.#world;
    const { life, listeners, place } = world;
    switch (command.do) {
      case 'publish': {
        const calls = Array.from({ length: command.count }, () => world.publish(command.topic, command.id));
        return command.awaited ? calls.at(-1) : undefined;
      }
      case 'subscribe':
        listeners.subscribe({ command });
        return undefined;
      case 'attach':
        listeners.attach(command.topic, command.maxTries, command.script);
        return undefined;
      case 'unsubscribe':
        listeners.unsubscribe(command.pick);
        return undefined;
      case 'resume':
        listeners.resume(command.pick);
        return undefined;
      case 'await caught up':
        listeners.awaitCaughtUp(command.pick);
        return undefined;
      case 'advance':
        world.time.advance(command.ms);
        return undefined;
      case 'trim': {
        const through = place.trim?.(command.topic, command.count) ?? 0;
        if (through > 0) world.ledger.trimmed(command.topic, through, world.schedule.steps);
        return undefined;
      }
      case 'fault':
        world.faults[command.kind].push(command.fault);
        return undefined;
      case 'withdraw': {
        const controller = new AbortController();
        void world.publish(command.topic, undefined, controller.signal);
        void world.schedule.step('abort').then(() => controller.abort(withdrawn));
        return undefined;
      }
      case 'read':
        void world.read(command.filter, command.last);
        return undefined;
      case 'requeue':
        life?.bus.requeue(command.topic).catch(() => undefined);
        return undefined;
      case 'discard':
        void this.#discard(command.topic);
        return undefined;
      case 'reopen':
        if (life !== undefined) world.reopen(life, command.newEpoch);
        return undefined;
      case 'wipe': {
        const epoch = place.wipe?.();
        if (epoch !== undefined) world.ledger.wiped(epoch, world.schedule.steps);
        return undefined;
      }
      case 'crash':
        world.crash();
        world.start(false);
        return undefined;
      case 'rest':
        return new Promise(() => undefined);
    }
  }

  async #discard(topic: string): Promise<void> {
    const bus = this.#world.life?.bus;
    const letters = await bus?.deadLetters(topic).catch(() => []);
    const positions = (letters ?? []).map(({ message }) => message.position!);
    await bus?.discard(topic, positions.slice(0, 1)).catch(() => undefined);
  }
}
