import { runHere } from './harness.ts';
import { scenarios } from './scenarios/all.ts';

// One figure in a process of its own: what ran before must neither have warmed nor spoiled it.
const [scenarioName, contestant = '', variant = ''] = process.argv.slice(2);
const scenario = scenarios.find(({ name }) => name === scenarioName);
if (scenario === undefined) throw new Error(`there is no scenario ${scenarioName}`);
const figure = await runHere(scenario, contestant, variant, { quick: false });
process.stdout.write(`${JSON.stringify(figure)}\n`, () => process.exit(0));
