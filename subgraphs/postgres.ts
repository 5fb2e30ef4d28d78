import { Kysely, PostgresDialect } from 'kysely';
import { Client, type CustomTypesConfig, Pool, types } from 'pg';
import type { Driver, Row } from './database.ts';

/** Whole numbers as numbers while they are exact, as PGlite has them. */
const parsers: CustomTypesConfig = {
  getTypeParser(oid, format) {
    if (oid !== types.builtins.INT8 || format === 'binary') return types.getTypeParser(oid, format);
    return (text: string) => (Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text));
  },
};

/** A pool, and one connection of its own to listen with. */
export async function openPostgres(url: string, poolSize: number): Promise<Driver> {
  const pool = new Pool({ connectionString: url, max: poolSize, types: parsers, keepAlive: true, application_name: 'lookgraph' });
  // A connection that breaks while idle is replaced by the pool; without a listener it would end the process.
  pool.on('error', () => {});
  // The pool does not listen to a connection that is in use: one that breaks between two statements of a transaction would end the process
  // too. The next statement on it fails, and that is heard.
  pool.on('connect', (client) => client.on('error', () => {}));
  await pool.query('select 1').catch(async (cause: unknown) => {
    await pool.end();
    throw cause;
  });
  const database = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  const listener = new Listener(url);
  return {
    kind: 'postgres',
    database,
    execute: (text, parameters) => execute(pool, text, parameters),
    listen: (channel, onPayload, onReconnect) => listener.listen({ channel, onPayload, onReconnect }),
    async close() {
      await listener.close();
      await database.destroy();
      // Kysely leaves the pool alone when it never used it.
      if (!pool.ending) await pool.end();
    },
  };
}

async function execute(pool: Pool, text: string, parameters: readonly unknown[]): Promise<Row[]> {
  const client = await pool.connect();
  let broken = false;
  try {
    const result: { rows: Row[] } | { rows: Row[] }[] = await (parameters.length > 0 ? client.query<Row>(text, [...parameters]) : client.query<Row>(text));
    return Array.isArray(result) ? result.flatMap(({ rows }) => rows) : result.rows;
  } catch (error) {
    // A script that fails half-way leaves its own transaction open.
    await client.query('rollback').catch(() => (broken = true));
    throw error;
  } finally {
    client.release(broken);
  }
}

type Subscription = { channel: string; onPayload: (payload: string) => void; onReconnect: () => void };

const checkIntervalMs = 10_000;
const longestPauseMs = 5000;

/** One connection for all channels. It comes back by itself, hears every channel again, and then says so. */
class Listener {
  readonly #url: string;
  readonly #subscriptions = new Set<Subscription>();
  #connected: Promise<Client> | null = null;
  #isClosed = false;
  #isReconnecting = false;

  constructor(url: string) {
    this.#url = url;
  }

  async listen(subscription: Subscription): Promise<() => Promise<void>> {
    this.#subscriptions.add(subscription);
    const client = (this.#connected ??= this.#connect());
    try {
      await hear(await client, subscription.channel);
    } catch (error) {
      this.#subscriptions.delete(subscription);
      // Who comes next tries again.
      if (this.#connected === client) this.#connected = null;
      throw error;
    }
    return async () => void this.#subscriptions.delete(subscription);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#connected?.then((client) => client.end(), () => {});
  }

  async #connect(): Promise<Client> {
    const client = new Client({ connectionString: this.#url, keepAlive: true, application_name: 'lookgraph listener' });
    client.on('notification', ({ channel, payload = '' }) => {
      for (const subscription of this.#subscriptions) if (subscription.channel === channel) subscription.onPayload(payload);
    });
    // An error is followed by the end; it only must not be unheard.
    client.on('error', () => {});
    await client.connect();
    watch(client, () => void this.#reconnect());
    for (const channel of new Set([...this.#subscriptions].map((subscription) => subscription.channel))) await hear(client, channel);
    return client;
  }

  async #reconnect(): Promise<void> {
    if (this.#isReconnecting) return;
    this.#isReconnecting = true;
    for (let pauseMs = 50; !this.#isClosed; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      this.#connected = this.#connect();
      try {
        await this.#connected;
        this.#isReconnecting = false;
        for (const { onReconnect } of this.#subscriptions) onReconnect();
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, pauseMs).unref());
      }
    }
  }
}

const turns = new WeakMap<Client, Promise<unknown>>();

/** One statement after the other: a client must not be given a second one while it has one. */
function inTurn(client: Client, statement: string): Promise<unknown> {
  const before = turns.get(client) ?? Promise.resolve();
  const turn = before.then(() => client.query(statement));
  turns.set(client, turn.catch(() => {}));
  return turn;
}

const hear = (client: Client, channel: string): Promise<unknown> => inTurn(client, `listen ${client.escapeIdentifier(channel)}`);

/** Calls `onLost` when the connection ends. One that no longer answers is ended: a silent network drop is not seen otherwise. */
function watch(client: Client, onLost: () => void): void {
  let awaited = false;
  const timer = setInterval(() => {
    if (awaited) client.end().catch(() => {});
    awaited = true;
    inTurn(client, 'select 1').then(() => (awaited = false), () => {});
  }, checkIntervalMs).unref();
  client.once('end', () => {
    clearInterval(timer);
    onLost();
  });
}
