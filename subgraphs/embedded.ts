import { join } from 'node:path';
import { setImmediate as yieldToTimers } from 'node:timers/promises';
import { PGlite, type PGliteOptions, type Transaction } from '@electric-sql/pglite';
import { btree_gin } from '@electric-sql/pglite/contrib/btree_gin';
import { pg_trgm } from '@electric-sql/pglite/contrib/pg_trgm';
import { Kysely, PGliteDialect } from 'kysely';
import type { Driver, Row } from './database.ts';
import { makeFolder } from './folders.ts';
import { lockFolder } from './lock.ts';

/** PGlite with what our migrations ask for beside PostgreSQL itself. */
export async function createPglite(options: PGliteOptions = {}): Promise<PGlite> {
  return PGlite.create({ ...options, extensions: { btree_gin, pg_trgm } });
}

/** PGlite in `<dataDir>/database`, which this process then owns alone, or in memory. */
export async function openEmbedded(dataDir: string | null): Promise<Driver> {
  if (dataDir !== null) makeFolder(dataDir);
  const unlock = dataDir === null ? () => {} : await lockFolder(dataDir);
  try {
    const pglite = await createPglite(dataDir === null ? {} : { dataDir: join(dataDir, 'database') });
    return embeddedDriver(pglite, unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

/** `unlock` is called after the database is closed. */
export function embeddedDriver(pglite: PGlite, unlock: () => void): Driver {
  return {
    kind: 'pglite',
    database: new Kysely<unknown>({ dialect: new PGliteDialect({ pglite: yielding(pglite) }) }),
    async execute(text, parameters) {
      await yieldToTimers();
      if (parameters.length > 0) return (await pglite.query<Row>(text, [...parameters])).rows;
      const script = /^\s*begin;(.*)commit;?\s*$/is.exec(text)?.[1];
      // There is one session for all: a script that fails half-way must not leave its transaction open to the next statement.
      const results = script === undefined ? await pglite.exec(text) : await pglite.transaction((transaction) => transaction.exec(script));
      return results.flatMap(({ rows }) => rows as Row[]);
    },
    listen: async (channel, onPayload) => {
      const unlisten = await pglite.listen(`"${channel}"`, onPayload);
      return async () => {
        if (!pglite.closed) await unlisten();
      };
    },
    async close() {
      await pglite.close();
      unlock();
    },
  };
}

type Dialect = ConstructorParameters<typeof PGliteDialect>[0]['pglite'];

/** PGlite answers in microtasks: a busy loop of statements would starve timers and sockets. */
function yielding(pglite: PGlite): Exclude<Dialect, (...args: never[]) => unknown> {
  return {
    get closed() {
      return pglite.closed;
    },
    get ready() {
      return pglite.ready;
    },
    waitReady: pglite.waitReady,
    close: () => pglite.close(),
    query: async (text, parameters, options) => {
      await yieldToTimers();
      return pglite.query(text, parameters, options);
    },
    async transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
      await yieldToTimers();
      return pglite.transaction(work);
    },
  };
}
