import { openHexbus } from '../wire/hexbus-server.ts';
import { tellFootprint } from './told.ts';

const { port } = await openHexbus();
tellFootprint(port);
