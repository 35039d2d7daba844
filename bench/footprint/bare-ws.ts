import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { tellFootprint } from './told.ts';

const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
server.on('connection', (ws) => ws.on('message', () => ws.send('welcome')));
server.on('listening', () => tellFootprint((server.address() as AddressInfo).port));
