import { createConnection, type Socket } from 'node:net';
import type { Randomness } from '@hexbus/core';
import { createSeededRandomness } from '../fakes/seeded-randomness.ts';
import { Direction } from './direction.ts';
import type { ChaosFault, ChaosSettings } from './settings.ts';

/** What a link asks of its proxy. */
export interface ChaosLinkHost {
  readonly isWild: () => boolean;
  happened(fault: ChaosFault): void;
  passed(way: 'up' | 'down', bytes: number): void;
}

/** One connection through the proxy: a socket on either side, and a direction each way. */
export class ChaosLink {
  /** Resolves when both sockets are gone. */
  readonly gone: Promise<void>;
  readonly #client: Socket;
  readonly #target: Socket;
  readonly #directions: readonly Direction[];
  readonly #resetting = new Set<Socket>();

  constructor(client: Socket, settings: ChaosSettings, randomness: Randomness, host: ChaosLinkHost) {
    this.#client = client;
    this.#target = createConnection({ ...settings.target, allowHalfOpen: true });
    const direction = (from: Socket, to: Socket, way: 'up' | 'down'): Direction =>
      new Direction(from, to, settings, createSeededRandomness(Number.parseInt(randomness.id().slice(0, 8), 16)), {
        isWild: host.isWild,
        happened: (fault) => {
          if (fault === 'reset' || fault === 'end') this.cut(fault);
          if (fault === 'stall') this.stall();
          host.happened(fault);
        },
        passed: (bytes) => host.passed(way, bytes),
      });
    this.#directions = [direction(client, this.#target, 'up'), direction(this.#target, client, 'down')];
    this.gone = Promise.all([client, this.#target].map((socket) => this.#watch(socket))).then(() => {});
  }

  start(): void {
    for (const direction of this.#directions) direction.start();
  }

  cut(how: 'reset' | 'end'): void {
    for (const socket of [this.#client, this.#target]) {
      if (this.#resetting.has(socket)) continue;
      // Node resets when everything queued has been read, which may be never; and not at all while one way is being closed.
      const isIdle = socket.writableLength === 0 && socket.writableEnded === socket.writableFinished;
      if (how === 'end' || !isIdle) {
        socket.destroy();
        continue;
      }
      this.#resetting.add(socket);
      socket.resetAndDestroy();
    }
  }

  stall(): void {
    for (const direction of this.#directions) direction.stall();
  }

  resume(): void {
    for (const direction of this.#directions) direction.resume();
  }

  #watch(socket: Socket): Promise<void> {
    let failed = false;
    socket.setNoDelay(true);
    socket.on('error', () => {
      failed = true;
    });
    return new Promise((resolve) => {
      socket.on('close', () => {
        for (const direction of this.#directions) direction.stop();
        this.cut(failed ? 'reset' : 'end');
        resolve();
      });
    });
  }
}
