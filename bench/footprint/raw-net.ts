import { serverFrame } from '../wire/frames.ts';
import { openHandServer } from '../wire/hand-server.ts';
import { tellFootprint } from './told.ts';

const { port } = await openHandServer((socket) => socket.on('data', () => socket.write(serverFrame('welcome'))));
tellFootprint(port);
