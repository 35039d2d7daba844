import { assertField, configError, isObject, isText } from '../bus/checks.ts';
import { checkInteger } from './options.ts';

/** Where a transport takes its clients: as the guest of a server of the program, or on a server of its own. */
export type Place<Server> = { readonly server: Server } | { readonly port: number; readonly host: string | undefined };

/** The options of a transport that say where it is. */
export interface PlaceOptions<Server> {
  readonly server?: Server | undefined;
  readonly port?: number | undefined;
  readonly host?: string | undefined;
}

/** Where a transport is, by its options; undefined if they name neither a server nor a port. Throws `HEXBUS_CONFIG` naming the field. */
export function checkPlace<Server>(options: PlaceOptions<Server>): Place<Server> | undefined {
  assertField(isObject(options), 'options', options, 'pass an object');
  const { server, port, host } = options;
  if (server !== undefined && port !== undefined) throw configError('server', server, 'pass it or `port`, not both');
  if (port === undefined) assertField(host === undefined, 'host', host, 'pass it with `port` only');
  if (server !== undefined) {
    assertField(isServer(server), 'server', server, 'pass the http.Server, not the app');
    return { server };
  }
  if (port === undefined) return undefined;
  assertField(host === undefined || isText(host, 253), 'host', host, 'pass a name or an address');
  return { port: checkInteger('port', port, 0, 65_535), host };
}

/** What Express, Koa and others make may tell of events too, but not where it listens. */
function isServer(value: unknown): boolean {
  return isObject(value) && ['on', 'emit', 'address'].every((name) => typeof Reflect.get(value, name) === 'function');
}
