import { readCommand } from '../support/command.ts';
import { fuzzPictures } from './pictures-run.ts';
import { fuzzRest } from './rest-run.ts';

/**
 * `npm run fuzz` sends bad bytes to a server of its own, in a process that can be watched: `-- pictures`, `--cases 10000`, `--seed 1`; `-- rest` to every documented endpoint. Ends
 * with 1 when anything was answered in another way than is documented, or cost too much.
 */
const runs = { pictures: { run: fuzzPictures, cases: 10_000 }, rest: { run: fuzzRest, cases: 2_000 } } as const;
const usage = `npm run fuzz -- [${Object.keys(runs).join('] [')}] [--cases 1000] [--seed 1]`;
const { values, positionals } = readCommand({ usage, options: { cases: { type: 'string' }, seed: { type: 'string', default: '1' } }, numbers: ['cases', 'seed'], names: Object.keys(runs) });
const seed = Number(values.seed);
const ends: (() => Promise<void>)[] = [];
const say = (line: string): void => void process.stdout.write(`${line}\n`);

let violations = 0;
try {
  for (const name of Object.keys(runs) as (keyof typeof runs)[]) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    violations += await runs[name].run({ scope: { after: (end) => void ends.push(end) }, cases: Number(values.cases ?? runs[name].cases), seed, say });
  }
} finally {
  for (const end of ends) await end();
}
say(violations === 0 ? 'Nothing was wrong.' : `${violations} answers were wrong.`);
process.exitCode = violations === 0 ? 0 : 1;
