import { writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '../fuzz/random.ts';
import type { Cluster } from './cluster.ts';
import type { Member } from './crew.ts';
import type { Disk } from './disk.ts';
import type { Proxy } from './proxy.ts';

export type Site = { cluster: Cluster; gateways: readonly Member[]; workers: readonly Member[]; toDatabase: Proxy; /** One for each gateway. */ toGateways: readonly Proxy[]; disk: Disk; /** Null: no clock can be set. */ clockFile: string | null };
type Fault = (site: Site, random: Random) => Promise<void>;

const seconds = (random: Random, least: number, most: number): Promise<void> => pause(least * 1000 + random.below((most - least) * 1000));

/** Does something and undoes it after a while. */
async function meanwhile(begin: () => void, wait: Promise<void>, end: () => void): Promise<void> {
  begin();
  try {
    await wait;
  } finally {
    end();
  }
}

/** Everything that goes wrong, by name. Each ends with nothing left of it, but for what is still starting again. */
export const faults: Readonly<Record<string, Fault>> = {
  'kill -9 of a gateway': async ({ gateways }, random) => random.pick(gateways).kill(),
  'kill -9 of all gateways': async ({ gateways }) => gateways.forEach((gateway) => gateway.kill()),
  'SIGSTOP of a gateway': ({ gateways }, random) => {
    const gateway = random.pick(gateways);
    return meanwhile(() => gateway.signal('SIGSTOP'), seconds(random, 2, 10), () => gateway.signal('SIGCONT'));
  },
  'kill -9 of a worker': async ({ workers }, random) => random.pick(workers).kill(),
  'kill -9 of all workers': async ({ workers }) => workers.forEach((worker) => worker.kill()),
  'kill -9 of PostgreSQL': async ({ cluster }, random) => {
    await cluster.kill();
    await seconds(random, 0, 4);
    await cluster.start();
  },
  'kill -9 of everything': async ({ cluster, gateways, workers }) => {
    [...gateways, ...workers].forEach((member) => member.kill());
    await cluster.kill();
    await cluster.start();
  },
  'SIGSTOP of PostgreSQL': ({ cluster }, random) => meanwhile(() => cluster.signal('SIGSTOP'), seconds(random, 1, 15), () => cluster.signal('SIGCONT')),
  'SIGSTOP of a worker': ({ workers }, random) => {
    const worker = random.pick(workers);
    return meanwhile(() => worker.signal('SIGSTOP'), seconds(random, 5, 25), () => worker.signal('SIGCONT'));
  },
  'cut connections to the database': async ({ toDatabase }) => toDatabase.cut(),
  'slow connections to the database': ({ toDatabase }, random) => meanwhile(() => toDatabase.set('slow'), seconds(random, 2, 6), () => toDatabase.set('open')),
  'silent connections to the database': ({ toDatabase }, random) => meanwhile(() => toDatabase.set('silent'), seconds(random, 1, 14), () => toDatabase.set('open')),
  'no new connections to the database': ({ toDatabase }, random) => meanwhile(() => {
    toDatabase.set('refusing');
    toDatabase.cut();
  }, seconds(random, 1, 6), () => toDatabase.set('open')),
  'cut connections of clients': async ({ toGateways }) => toGateways.forEach((way) => way.cut()),
  'slow connections of clients': ({ toGateways }, random) => {
    const way = random.pick(toGateways);
    return meanwhile(() => way.set('slow'), seconds(random, 2, 6), () => way.set('open'));
  },
  'silent connections of clients': ({ toGateways }, random) => {
    const way = random.pick(toGateways);
    return meanwhile(() => way.set('silent'), seconds(random, 1, 8), () => {
      way.set('open');
      way.cut();
    });
  },
  'full disk': async ({ disk, cluster }, random) => {
    await meanwhile(() => disk.fill?.(), seconds(random, 2, 8), () => disk.empty());
    // Its log may have found no place, and then it ended by itself.
    await cluster.start();
  },
  'jumping clock': ({ clockFile }, random) => {
    const set = (text: string): void => void (clockFile && writeFileSync(clockFile, text));
    return meanwhile(() => set(random.pick(['+1h', '-1h', '+30s', '-30s', '+1d'])), seconds(random, 3, 12), () => set('+0'));
  },
};

/** The faults that can be made at this site; what cannot is told. */
export function possibleFaults({ disk, clockFile }: Site, note: (text: string) => void): string[] {
  const missing = [...disk.fill ? [] : ['full disk'], ...clockFile ? [] : ['jumping clock']];
  if (missing.length > 0) note(`not here: ${missing.join(', ')} (the first needs root, the second libfaketime)`);
  return Object.keys(faults).filter((name) => !missing.includes(name));
}
