import { type Kysely, type RawBuilder, sql } from 'kysely';
import { Failure } from '../schema/failures.ts';
import type { Connection } from './database.ts';
import { EventHub } from './events-hub.ts';
import { migration, type Migration } from './migrations.ts';

export type JobEventKind = 'SNAPSHOT' | 'STATUS' | 'PROGRESS' | 'IMAGE_READY' | 'COMPLETED' | 'FAILED' | 'CANCELED';

/** One event as it is kept and as a subscriber gets it. `gap`: it stands for events that are no longer kept. */
export type StoredEvent<Body> = { stream: string; seq: number; at: Date; kind: JobEventKind; body: Body; terminal: boolean; gap: boolean };

/** The present state, as of event `seq`: read both in one statement, or a subscriber may see it fall back. `terminal`: nothing follows. */
export type Snapshot<Body> = { seq: number; body: Body; terminal: boolean };

export type SubscribeOptions<Body> = { afterSeq?: number | undefined; snapshot: () => Promise<Snapshot<Body>> };

/**
 * Streams of events of one PostgreSQL schema. Within a stream numbers run 1, 2, 3 … without a gap, in the order of commits, whatever the
 * process that writes. Subscribers of any process get each event once and in order.
 */
export type EventLog<Body extends object> = {
  /** Adds an event in the running transaction; its number. Appending behind a terminal event is a fault. */
  append(stream: string, kind: JobEventKind, body: Body, options?: { terminal?: boolean }): Promise<number>;
  /** 0: nothing was appended yet. */
  lastSeq(stream: string): Promise<number>;
  /**
   * Without `afterSeq` the first event is a SNAPSHOT; with it, the stored events behind that number come first; then live. When some of
   * those are no longer kept, one SNAPSHOT with `gap` stands for them. The terminal event is the last one, and a finished stream with
   * nothing behind `afterSeq` ends without events. `return()` stops at once, also while a `next()` waits.
   */
  subscribe(stream: string, options: SubscribeOptions<Body>): AsyncIterableIterator<StoredEvent<Body>>;
  /** Forgets events from before a moment, always from a stream's beginning; how many. */
  trim(olderThan: Date): Promise<number>;
  /** For the schema's own list of migrations. */
  migrations: Record<string, Migration>;
};

export type StreamState = { lastSeq: number; trimmedSeq: number; terminal: boolean };

/** What a subscriber and the hub read. */
export type EventReader<Body> = {
  state(stream: string): Promise<StreamState>;
  /** At most `limit` events behind `afterSeq`, in order. */
  after(stream: string, afterSeq: number, limit: number): Promise<StoredEvent<Body>[]>;
  lastSeqs(streams: readonly string[]): Promise<Map<string, number>>;
};

/** For the list of migrations of a schema that has an event log. */
export const eventMigrations: Record<string, Migration> = {
  '000_events': migration(
    `create table event_stream (
      name text primary key, last_seq bigint not null, trimmed_seq bigint not null default 0, terminal boolean not null default false)`,
    `create table event (
      stream text not null references event_stream on delete cascade, seq bigint not null, at timestamptz not null default clock_timestamp(),
      kind text not null, body jsonb not null, terminal boolean not null, primary key (stream, seq))`,
    'create index event_at on event (at)',
  ),
};

type Streams = { database: () => Kysely<unknown>; streams: RawBuilder<unknown>; events: RawBuilder<unknown> };

function createReader<Body>({ database, streams, events }: Streams): EventReader<Body> {
  return {
    async state(stream) {
      const { rows } = await sql<StreamState>`select last_seq as "lastSeq", trimmed_seq as "trimmedSeq", terminal from ${streams} where name = ${stream}`.execute(database());
      return rows[0] ?? { lastSeq: 0, trimmedSeq: 0, terminal: false };
    },
    async after(stream, afterSeq, limit) {
      const { rows } = await sql<StoredEvent<Body>>`select stream, seq, at, kind, body, terminal, false as gap from ${events}
        where stream = ${stream} and seq > ${afterSeq} order by seq limit ${limit}`.execute(database());
      return rows;
    },
    async lastSeqs(names) {
      const { rows } = await sql<{ name: string; lastSeq: number }>`select name, last_seq as "lastSeq" from ${streams}
        where name in (select jsonb_array_elements_text(${JSON.stringify(names)}::jsonb))`.execute(database());
      return new Map(rows.map(({ name, lastSeq }) => [name, lastSeq]));
    },
  };
}

export function createEventLog<Body extends object>(connection: Connection, schema: string): EventLog<Body> {
  const database = connection.store<unknown>(schema);
  const [streams, events] = [sql.table(`${schema}.event_stream`), sql.table(`${schema}.event`)];
  const reader = createReader<Body>({ database, streams, events });
  const hub = new EventHub<Body>(connection, reader, `events_${schema}`);
  return {
    async append(stream, kind, body, { terminal = false } = {}) {
      // The row of the stream stays locked until the commit: the next number is given only after this one is visible or was never given.
      const { rows: [row] } = await sql<{ seq: number }>`with numbered as (
          insert into ${streams} as s (name, last_seq, terminal) values (${stream}, 1, ${terminal})
          on conflict (name) do update set last_seq = s.last_seq + 1, terminal = excluded.terminal where not s.terminal returning last_seq)
        insert into ${events} (stream, seq, kind, body, terminal)
        select ${stream}::text, last_seq, ${kind}::text, ${JSON.stringify(body)}::jsonb, ${terminal}::boolean from numbered returning seq`.execute(database());
      if (!row) throw new Error(`stream ${stream} is finished`);
      connection.afterCommit(() => hub.appended(stream, row.seq));
      return row.seq;
    },
    lastSeq: async (stream) => (await reader.state(stream)).lastSeq,
    subscribe: (stream, options) => hub.subscribe(stream, options),
    trim: (olderThan) => connection.transaction(async () => {
      const { rows } = await sql<{ n: number }>`with gone as (
          select stream, max(seq) as seq from ${events} where at < ${olderThan} group by stream),
        marked as (
          update ${streams} s set trimmed_seq = gone.seq from gone where s.name = gone.stream),
        deleted as (
          delete from ${events} e using gone where e.stream = gone.stream and e.seq <= gone.seq returning 1)
        select count(*) as n from deleted`.execute(database());
      return rows[0]?.n ?? 0;
    }),
    migrations: eventMigrations,
  };
}

/** The events of one job as its subscribers are given them: all behind `afterSeq`, or from its present state on. Refuses with VALIDATION a number that is none. */
export function jobEvents<Body extends object>(events: EventLog<Body>, jobId: string, afterSeq: number | null | undefined, snapshot: () => Promise<Snapshot<Body>>): AsyncIterableIterator<StoredEvent<Body>> {
  if (typeof afterSeq === 'number' && afterSeq < 0) throw new Failure('VALIDATION', 'afterSeq must be 0 or more', { path: ['afterSeq'] });
  return events.subscribe(jobId, { ...(typeof afterSeq === 'number' && { afterSeq }), snapshot });
}

/** Makes something of each event once, however many hear of it: one event is one object for all, and is answered once for those who ask the same. */
export function oncePerEvent<Body, Made>(make: (event: StoredEvent<Body>) => Made): (event: StoredEvent<Body>) => Made {
  const made = new WeakMap<StoredEvent<Body>, { of: Made }>();
  return (event) => {
    const known = made.get(event) ?? { of: make(event) };
    made.set(event, known);
    return known.of;
  };
}

/** The events of a stream as what `make` makes of them. A plain iterator, for a generator that waits cannot be stopped. */
export function mapEvents<Event, Made>(stream: AsyncIterableIterator<Event>, make: (event: Event) => Made): AsyncIterableIterator<Made> {
  return {
    async next() {
      const { value, done } = await stream.next();
      return done ? { value: undefined, done } : { value: make(value), done: false };
    },
    async return() {
      await stream.return?.();
      return { value: undefined, done: true };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
