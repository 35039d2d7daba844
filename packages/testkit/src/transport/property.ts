import { array, assert as assertProperty, asyncProperty, constantFrom } from 'fast-check';
import { check, checkSame } from '../support/check.ts';
import { suiteDefaults } from '../support/defaults.ts';
import type { Rule } from '../support/rule.ts';
import { createFrameBatch } from './frame-batch.ts';
import { type Link, type TransportLab, turns } from './lab.ts';

const steps = [
  'client sends',
  'server sends',
  'server sends much',
  'client pauses',
  'client resumes',
  'server pauses',
  'server resumes',
  'client closes',
  'client resets',
  'server closes',
  'server terminates',
  'turn',
] as const;
type Step = (typeof steps)[number];

/** What was sent in one schedule, to compare with what arrived. */
interface Ledger {
  readonly up: string[];
  readonly down: string[];
  /** The codes with which it may have ended. */
  readonly codes: Set<number>;
  lossless: boolean;
}

async function take(step: Step, { client, visit }: Link, ledger: Ledger, number: number): Promise<void> {
  const send = (text: string): void => {
    if (visit.send(createFrameBatch(text)) !== 'closed') ledger.down.push(text);
  };
  if (step === 'client sends') {
    client.send(`up ${number}`);
    ledger.up.push(`up ${number}`);
  } else if (step === 'server sends') send(`down ${number}`);
  else if (step === 'server sends much') for (let n = 0; n < 10; n++) send(`down ${number}.${n} ${'x'.repeat(50_000)}`);
  else if (step === 'client pauses') client.pause();
  else if (step === 'client resumes') client.resume();
  else if (step === 'server pauses') visit.call((carrier) => carrier.pause());
  else if (step === 'server resumes') visit.call((carrier) => carrier.resume());
  else if (step === 'turn') await turns(1);
  else {
    ledger.codes.add(step === 'client closes' ? 4001 : step === 'server closes' ? 4002 : 1006);
    if (step !== 'server closes') ledger.lossless = false;
    if (step === 'client closes') client.close(4001, 'client');
    if (step === 'client resets') client.reset();
    if (step === 'server closes') visit.call((carrier) => carrier.close(4002, 'server'));
    if (step === 'server terminates') visit.call((carrier) => carrier.terminate());
  }
}

async function textsOf({ client }: Link): Promise<string[]> {
  const texts: string[] = [];
  for (;;) {
    const text = await client.next().catch(() => undefined);
    if (text === undefined) return texts;
    texts.push(text);
  }
}

function isPrefix(texts: readonly string[], of: readonly string[]): boolean {
  return texts.length <= of.length && texts.every((text, index) => text === of[index]);
}

async function runSchedule(lab: TransportLab, schedule: readonly Step[]): Promise<void> {
  const link = await lab.linked();
  const ledger: Ledger = { up: [], down: [], codes: new Set(), lossless: true };
  const arriving = textsOf(link);
  for (const [number, step] of schedule.entries()) await take(step, link, ledger, number);
  link.client.resume();
  link.visit.call((carrier) => carrier.resume());
  await take('server closes', link, ledger, 0);
  await lab.ended(link);
  const arrived = await lab.patience.of(arriving, 'the client sees the end');
  check(isPrefix(link.visit.texts, ledger.up), 'what was received is no beginning of what the client sent');
  check(isPrefix(arrived, ledger.down), 'what arrived is no beginning of what was sent');
  if (ledger.lossless) checkSame(arrived.length, ledger.down.length, 'how many texts arrived before a close');
  checkSame(link.visit.ends.length, 1, 'how often closed was told');
  const code = link.visit.ends[0]?.code ?? 0;
  check(ledger.codes.has(code), `closed was told with ${code}, expected ${[...ledger.codes].join(' or ')}`);
  checkSame(link.carrier.bufferedBytes, 0, 'bufferedBytes after the end');
  await link.transport.close();
  checkSame(link.visit.faults, [], 'what the listener was told');
}

export const propertyRules: readonly Rule<TransportLab>[] = [
  {
    id: 'TR-41',
    sentence:
      'Whatever both ends do in whatever order, texts arrive in order and none is made up, and closed is told once and last.',
    async check(lab) {
      const { runs = suiteDefaults.transportRuns, ...repeat } = lab.adapter.property ?? {};
      const schedules = array(constantFrom(...steps), { maxLength: 25 });
      await assertProperty(
        asyncProperty(schedules, (schedule) => runSchedule(lab, schedule)),
        { numRuns: runs, includeErrorInReport: true, ...repeat },
      );
    },
  },
];
