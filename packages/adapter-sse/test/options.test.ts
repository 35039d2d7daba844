import { createServer } from 'node:http';
import { createSseTransport } from '@hexbus/adapter-sse';
import express from 'express';
import Fastify from 'fastify';
import { describe, expect, it } from 'vitest';

describe('options that do not fit are refused with the name of the field', () => {
  it.each([
    ['server', { server: createServer(), port: 0 }],
    ['server', { server: 3000 }],
    ['server', { server: null }],
    ['host', { server: createServer(), host: '127.0.0.1' }],
    ['host', { host: '127.0.0.1' }],
    ['host', { port: 0, host: 5 }],
    ['host', { port: 0, host: '' }],
    ['port', { port: -1 }],
    ['port', { port: '3000' }],
    ['port', { port: 65_536 }],
    ['path', { port: 0, path: 'hexbus' }],
    ['path', { port: 0, path: '/a?b' }],
    ['path', { path: '/häx' }],
    ['maxMessageBytes', { maxMessageBytes: 0 }],
    ['maxMessageBytes', { maxMessageBytes: Number.POSITIVE_INFINITY }],
    ['keepAliveMs', { keepAliveMs: 0 }],
    ['retryMs', { retryMs: -1 }],
    ['bodyTimeoutMs', { bodyTimeoutMs: Number.NaN }],
    ['handshakeTimeoutMs', { handshakeTimeoutMs: 1.5 }],
    ['trustProxy', { trustProxy: -1 }],
    ['clientAddress', { clientAddress: 5 as never }],
    ['origins', { origins: ['null'] }],
    ['origins', { origins: ['https://a.example/'] }],
    ['origins', { origins: ['https://A.example'] }],
    ['origins', { origins: ['https://a.example:443'] }],
    ['origins', { origins: ['*'] }],
    ['origins', { origins: '*' }],
    ['origins', { origins: 'https://a.example' }],
    ['chunked', { chunked: { a: 1 } }],
    ['options', null],
  ])('%s %o', (field, options) => {
    expect(() => createSseTransport(options as never)).toThrow(
      expect.objectContaining({ code: 'HEXBUS_CONFIG', message: expect.stringMatching(new RegExp(`^${field} is `)) }),
    );
  });
});

it('an app in the place of its server is refused, and what to pass instead is told', () => {
  for (const server of [express(), Fastify()]) {
    const make = () => createSseTransport({ server: server as never });
    expect(make).toThrow(expect.objectContaining({ code: 'HEXBUS_CONFIG' }));
    expect(make).toThrow(/^server is .*pass the http.Server, not the app$/);
  }
});
