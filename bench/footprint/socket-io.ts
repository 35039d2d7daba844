import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from 'socket.io';
import { tellFootprint } from './told.ts';

const server = createServer();
const io = new Server(server, { transports: ['websocket'], pingInterval: 3_600_000 });
io.on('connection', (socket) => void socket.join('news'));
server.listen(0, '127.0.0.1', () => tellFootprint((server.address() as AddressInfo).port));
