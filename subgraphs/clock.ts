import type { Connection } from './database.ts';

/** Milliseconds since 1970. */
export type Clock = { now(): number; close(): void };

const comparedEveryMs = 300_000;

/**
 * The database's clock, which all processes share, so that what one puts off until later is due at that time for the others, and no clock of a machine
 * that is wrong or jumps moves it. Between comparisons it goes on by the monotonic clock of the process. The embedded database has the process's own clock.
 */
export async function openClock(connection: Connection): Promise<Clock> {
  if (connection.kind === 'pglite') return { now: Date.now, close: () => {} };
  let ahead = await compare(connection);
  const timer = setInterval(() => {
    // A database that is away has its clock with it: the next comparison will do.
    void connection.detached(() => compare(connection)).then((found) => (ahead = found), () => {});
  }, comparedEveryMs).unref();
  return { now: () => ahead + performance.now(), close: () => clearInterval(timer) };
}

/** What to add to the monotonic clock of this process. */
async function compare(connection: Connection): Promise<number> {
  const before = performance.now();
  const [row] = await connection.execute('select (extract(epoch from clock_timestamp()) * 1000)::float8 as "now"');
  return Number(row?.['now']) - (before + performance.now()) / 2;
}
