import { createMemoryHistory } from '@hexbus/store-memory';
import { openHexbus } from '../wire/hexbus-server.ts';
import { tellFootprint } from './told.ts';

const { port } = await openHexbus(createMemoryHistory());
tellFootprint(port);
