import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bombs } from './bombs/index.ts';
import { type Doors, openDoors } from './doors.ts';
import { judge, type Verdict } from './judge.ts';
import { disguised, mutated, type Valid, validPictures } from './pictures.ts';
import { startWatchedServer } from './watched-server.ts';

export type FuzzRun = { scope: { after(end: () => Promise<void>): void }; cases: number; seed: number; say: (line: string) => void };
type Sent = { name: string; door: keyof Doors; bytes: Uint8Array; fileName?: string };

/** What one picture may cost: CPU of all threads, and the longest turn of the event loop. */
const limits = { cpuMs: 1_000, turnMs: 100 };
/** Unpacking 46 megapixels of HEIC is allowed, and takes more. */
const largeHeic = /^HEIC of (6,000|160 tiles)/;
/** More memory than before is lost when it is more than what a thread needs for its work. */
const lostBytes = 150 * 2 ** 20;
const doorNames = ['images', 'skinshade', 'signed PUT', 'media'] as const;

/** Bombs, truncations at every percent, disguises, and `cases` mutations; how many answers were wrong. */
export async function fuzzPictures({ scope, cases, seed, say }: FuzzRun): Promise<number> {
  const [server, valid] = [await startWatchedServer(scope), await validPictures()];
  const doors = await openDoors(server);
  await takeGoodOnes(doors, valid, 5);
  const before = await server.settled();
  const verdicts: Verdict[] = [];
  for (const chapter of [bombsOf, truncationsOf, disguisesOf, (all: Valid) => mutationsOf(all, seed, cases)]) {
    const from = verdicts.length;
    for await (const sent of chapter(valid)) {
      const verdict = await judge(server, doors, sent.door, sent, largeHeic.test(sent.name) ? { ...limits, cpuMs: 4_000 } : limits);
      verdicts.push(verdict);
      if (verdict.wrong !== null) say(`WRONG ${verdict.name} at ${verdict.door}: ${verdict.wrong} (${await keep(sent)})`);
      if (verdict.status === 0) return 1;
    }
    tell(verdicts.slice(from), say);
  }
  await takeGoodOnes(doors, valid, 5);
  const after = await server.settled();
  const grewBy = after.residentBytes - before.residentBytes;
  say(`memory: ${mb(before.residentBytes)} MB before, ${mb(after.residentBytes)} MB after`);
  return verdicts.filter(({ wrong }) => wrong !== null).length + (grewBy > lostBytes ? 1 : 0);
}

const mb = (bytes: number): number => Math.round(bytes / 2 ** 20);

async function takeGoodOnes(doors: Doors, valid: Valid, times: number): Promise<void> {
  for (let left = times; left > 0; left -= 1) for (const bytes of Object.values(valid)) for (const door of doorNames) await doors[door](bytes);
}

async function* bombsOf(): AsyncGenerator<Sent> {
  for (const [name, make] of Object.entries(bombs)) for (const door of doorNames) yield { name, door, bytes: await make() };
}

async function* truncationsOf(valid: Valid): AsyncGenerator<Sent> {
  for (const [type, bytes] of Object.entries(valid)) for (let percent = 0; percent < 100; percent += 1) {
    const part = bytes.subarray(0, Math.floor((bytes.length * percent) / 100));
    for (const door of ['images', 'skinshade'] as const) yield { name: `${type} of ${percent} %`, door, bytes: part };
  }
}

async function* disguisesOf(valid: Valid): AsyncGenerator<Sent> {
  for (const [name, { name: fileName, bytes }] of Object.entries(await disguised(valid))) for (const door of doorNames) yield { name, door, bytes, fileName };
}

async function* mutationsOf(valid: Valid, seed: number, cases: number): AsyncGenerator<Sent> {
  for (let at = 0; at < cases; at += 1) {
    const { type, bytes } = mutated(valid, seed, at);
    yield { name: `${type} ${seed}/${at}`, door: doorNames[at % doorNames.length] ?? 'images', bytes };
  }
}

function tell(verdicts: readonly Verdict[], say: (line: string) => void): void {
  const statuses = Object.entries(Object.groupBy(verdicts, ({ status }) => String(status))).map(([status, all]) => `${all?.length ?? 0} times ${status}`);
  const most = (figure: 'cpuMs' | 'turnMs' | 'delayMs'): string => {
    const [worst] = verdicts.toSorted((a, b) => b[figure] - a[figure]);
    return worst ? `${Math.round(worst[figure])} ms (${worst.name} at ${worst.door})` : 'nothing';
  };
  say(`${verdicts.length} pictures: ${statuses.join(', ')}; most CPU ${most('cpuMs')}; longest turn of the event loop ${most('turnMs')}; longest delay by the clock ${most('delayMs')}`);
}

/** For whoever wants to look at it. */
async function keep({ name, bytes }: Sent): Promise<string> {
  const file = join(tmpdir(), `fuzz-${name.replaceAll(/\W+/g, '-')}`);
  await writeFile(file, bytes);
  return file;
}
