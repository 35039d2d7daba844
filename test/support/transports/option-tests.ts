import { createServer } from 'node:http';
import express from 'express';
import Fastify from 'fastify';
import { describe, expect, it } from 'vitest';

/** An option, and options of which it is the one that does not fit. */
export type Misfit = readonly [field: string, options: unknown];

const misfits: readonly Misfit[] = [
  ['server', { server: createServer(), port: 0 }],
  ['server', { server: 3000 }],
  ['server', { server: null }],
  ['host', { server: createServer(), host: '127.0.0.1' }],
  ['host', { port: 0, host: 5 }],
  ['host', { port: 0, host: '' }],
  ['port', { port: -1 }],
  ['port', { port: '3000' }],
  ['port', { port: 65_536 }],
  ['path', { port: 0, path: 'hexbus' }],
  ['path', { port: 0, path: '/a?b' }],
  ['path', { port: 0, path: '/häx' }],
  ['maxMessageBytes', { port: 0, maxMessageBytes: 0 }],
  ['maxMessageBytes', { port: 0, maxMessageBytes: Number.POSITIVE_INFINITY }],
  ['handshakeTimeoutMs', { port: 0, handshakeTimeoutMs: 0 }],
  ['trustProxy', { port: 0, trustProxy: -1 }],
  ['clientAddress', { port: 0, clientAddress: 5 }],
  ['origins', { port: 0, origins: ['null'] }],
  ['origins', { port: 0, origins: ['https://a.example/'] }],
  ['origins', { port: 0, origins: ['https://A.example'] }],
  ['origins', { port: 0, origins: ['https://a.example:443'] }],
  ['origins', { port: 0, origins: ['*'] }],
  ['origins', { port: 0, origins: '*' }],
  ['origins', { port: 0, origins: 'https://a.example' }],
  ['options', null],
];

/** What a factory of transports refuses that attach to an http.Server. `own`: what no other one has. */
export function testOptions(create: (options: never) => unknown, own: readonly Misfit[]): void {
  describe('options that do not fit are refused with the name of the field', () => {
    it.each([...misfits, ...own])('%s %o', (field, options) => {
      expect(() => create(options as never)).toThrow(
        expect.objectContaining({ code: 'HEXBUS_CONFIG', message: expect.stringMatching(new RegExp(`^${field} is `)) }),
      );
    });
  });

  it('an app in the place of its server is refused, and what to pass instead is told', () => {
    for (const server of [express(), Fastify()]) {
      const make = () => create({ server } as never);
      expect(make).toThrow(expect.objectContaining({ code: 'HEXBUS_CONFIG' }));
      expect(make).toThrow(/^server is .*pass the http.Server, not the app$/);
    }
  });
}
