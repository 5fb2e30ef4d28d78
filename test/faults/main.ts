import { misused, readCommand } from '../support/command.ts';
import { faults } from './mischief.ts';
import { runFaults } from './run.ts';

/** `npm run faults -- --seconds 600 --seed 1`, with `--jobs 10000` at most and `--faults 100` spread over them, and `--only 'kill -9 of a worker'` for some faults alone. Ends with 1 when a promise was broken. */
const usage = "npm run faults -- [--seconds 600] [--seed 1] [--jobs 10000] [--faults 100] [--only 'kill -9 of a worker']...";
const options = { seconds: { type: 'string', default: '120' }, seed: { type: 'string', default: '1' }, jobs: { type: 'string' }, faults: { type: 'string' }, only: { type: 'string', multiple: true } } as const;
const { values } = readCommand({ usage, options, numbers: ['seconds', 'seed', 'jobs', 'faults'], names: [] });
const stranger = values.only?.find((name) => !Object.hasOwn(faults, name));
if (stranger !== undefined) misused(`There is no fault '${stranger}', only ${Object.keys(faults).map((name) => `'${name}'`).join(', ')}.`, usage);
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const { violations, longestOutageMs, drainedMs, toldMs, ends, ...figures } = await runFaults({
  seed: Number(values.seed), seconds: Number(values.seconds), ...values.jobs !== undefined && { jobs: Number(values.jobs) }, ...values.faults !== undefined && { faults: Number(values.faults) },
  ...values.only && { only: values.only }, say,
});
const inSeconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
say(`seed ${values.seed}: ${Object.entries(figures).map(([name, figure]) => `${figure} ${name}`).join(', ')}; ${Object.entries(ends).map(([status, n]) => `${n} ${status.toLowerCase()}`).join(', ')}`);
say(`longest time without an acknowledged submit ${inSeconds(longestOutageMs)}; then all jobs had ended after ${inSeconds(drainedMs)}, and all was told after ${inSeconds(toldMs)}`);
for (const violation of violations) say(`VIOLATION ${violation}`);
say(`${violations.length} violations`);
process.exit(violations.length === 0 ? 0 : 1);
