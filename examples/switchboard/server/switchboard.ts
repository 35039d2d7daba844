import { createBus } from '@hexbus/core';
import { createSqliteHistory } from '@hexbus/store-sqlite';
import { Cables } from './cables.ts';
import { openDataFolder } from './data-folder.ts';
import { createSwitchboardGateway } from './gateway.ts';
import { buildPageFiles } from './page-files.ts';
import { People } from './people.ts';
import { Pulse } from './pulse.ts';
import { Reports } from './reports.ts';
import { answerRequests } from './requests.ts';
import { type Events, topics } from './topics.ts';
import { Traffic } from './traffic.ts';
import { createWebServer, listen } from './web-server.ts';

export interface Switchboard {
  /** Of the page. */
  readonly address: string;
  /** Sends the tabs away, which come back when it is started again, and closes the history. */
  close(): Promise<void>;
}

export interface SwitchboardOptions {
  readonly port: number;
  readonly data: string;
}

/** The whole program: a bus on a SQLite file, a gateway to it, and a web server for the page. `report` is told what goes wrong meanwhile. */
export async function startSwitchboard(
  { port, data }: SwitchboardOptions,
  report: (problem: string) => void,
): Promise<Switchboard> {
  const onError = (error: unknown): void => report(error instanceof Error ? error.message : String(error));
  const folder = openDataFolder(data);
  const history = createSqliteHistory({ file: folder.history });
  const bus = createBus<Events>({ history, topics });
  bus.observe('error', ({ error }) => onError(error));
  await bus.open();

  const server = createWebServer(await buildPageFiles());
  const cables = new Cables();
  const gateway = createSwitchboardGateway(bus, { server, cables, resumeKey: folder.resumeKey });
  gateway.observe('error', ({ error }) => onError(error));

  const pulse = new Pulse(bus, onError);
  const reports = new Reports(pulse);
  const people = new People({ bus, gateway, reports, onError });
  const traffic = new Traffic({ bus, gateway, people, onError });
  answerRequests({ gateway, cables, people, pulse, reports });

  const close = async (): Promise<void> => {
    for (const part of [pulse, traffic, people]) part.stop();
    await gateway.close();
    server.close();
    server.closeAllConnections();
    await bus.close();
  };
  try {
    await gateway.open();
    const address = await listen(server, port);
    await pulse.start();
    traffic.start();
    return { address, close };
  } catch (error) {
    await close();
    throw error;
  }
}
