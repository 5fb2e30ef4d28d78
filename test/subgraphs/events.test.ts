import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createEventLog, type EventLog, type Snapshot, type StoredEvent } from '../../subgraphs/events.ts';
import type { Connection } from '../../subgraphs/database.ts';
import { migrate } from '../../subgraphs/migrations.ts';
import { createTestDatabase, onPostgres, openAnother, openTestConnection } from '../support/database.ts';

type Body = { n: number };
type Log = EventLog<Body>;

const connection = await openTestConnection({ after });
const log: Log = createEventLog<Body>(connection, 'stories');

before(() => migrate(connection, 'stories', log.migrations));

const never = (): Promise<Snapshot<Body>> => Promise.reject(new Error('no snapshot is asked for here'));
const progress = (events: Log, stream: string, n: number): Promise<number> => events.append(stream, 'PROGRESS', { n });
const finish = (events: Log, stream: string): Promise<number> => events.append(stream, 'COMPLETED', { n: -1 }, { terminal: true });

async function all(iterator: AsyncIterableIterator<StoredEvent<Body>>): Promise<StoredEvent<Body>[]> {
  const events: StoredEvent<Body>[] = [];
  for await (const event of iterator) events.push(event);
  return events;
}
const seqs = (events: readonly StoredEvent<Body>[]): number[] => events.map(({ seq }) => seq);
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

/** Appends in transactions of some events each; every fifth is rolled back. */
async function appendAtOnce(events: Log, over: Connection, stream: string, transactions: number, each: number): Promise<void> {
  await Promise.all(Array.from({ length: transactions }, (_, index) => over.transaction(async () => {
    for (let n = 0; n < each; n++) await progress(events, stream, n);
    if (index % 5 === 4) throw new Error('rolled back');
  }).catch(() => {})));
}

test('numbers of 200 events appended at once run without a gap, and a subscriber in the middle gets each once and in order', async () => {
  const first = appendAtOnce(log, connection, 'many', 20, 5);
  const subscriber = all(log.subscribe('many', { afterSeq: 10, snapshot: never }));
  const fromStart = all(log.subscribe('many', { afterSeq: 0, snapshot: never }));
  await first;
  await appendAtOnce(log, connection, 'many', 30, 5);
  assert.equal(await finish(log, 'many'), 201);
  assert.deepEqual(seqs(await subscriber), range(11, 201));
  assert.deepEqual(seqs(await fromStart), range(1, 201));
});

test('an event comes back as it was appended', async () => {
  const from = Date.now();
  await log.append('whole', 'FAILED', { n: 7 }, { terminal: true });
  const [event] = await all(log.subscribe('whole', { afterSeq: 0, snapshot: never }));
  assert.ok(event && event.at.getTime() >= from - 1000 && event.at.getTime() <= Date.now() + 1000);
  assert.deepEqual({ ...event, at: null }, { stream: 'whole', seq: 1, at: null, kind: 'FAILED', body: { n: 7 }, terminal: true, gap: false });
});

test('without afterSeq the first event is a snapshot, and what follows is live', async () => {
  await progress(log, 'snap', 1);
  await progress(log, 'snap', 2);
  const iterator = log.subscribe('snap', { snapshot: async () => ({ seq: 2, body: { n: 20 }, terminal: false }) });
  const first = await iterator.next();
  assert.deepEqual({ ...first.value, at: null }, { stream: 'snap', seq: 2, at: null, kind: 'SNAPSHOT', body: { n: 20 }, terminal: false, gap: false });
  const next = iterator.next();
  await progress(log, 'snap', 3);
  assert.equal((await next).value?.seq, 3);
  await iterator.return?.();
});

test('a snapshot of a finished stream is its last event', async () => {
  await finish(log, 'over');
  const events = await all(log.subscribe('over', { snapshot: async () => ({ seq: 1, body: { n: 1 }, terminal: true }) }));
  assert.deepEqual(events.map(({ kind, terminal }) => [kind, terminal]), [['SNAPSHOT', true]]);
});

test('a finished stream with nothing behind afterSeq ends without events, and takes no more', async () => {
  await progress(log, 'done', 1);
  await finish(log, 'done');
  assert.deepEqual(await all(log.subscribe('done', { afterSeq: 2, snapshot: never })), []);
  assert.deepEqual(await all(log.subscribe('done', { afterSeq: 99, snapshot: never })), []);
  assert.deepEqual(seqs(await all(log.subscribe('done', { afterSeq: 1, snapshot: never }))), [2]);
  await assert.rejects(progress(log, 'done', 3), /is finished/);
  assert.equal(await log.lastSeq('done'), 2);
});

test('a stream may be subscribed to before it begins, and a number from the future waits', async () => {
  assert.equal(await log.lastSeq('later'), 0);
  const early = all(log.subscribe('later', { afterSeq: 0, snapshot: never }));
  const future = all(log.subscribe('later', { afterSeq: 3, snapshot: never }));
  for (let n = 1; n <= 4; n++) await progress(log, 'later', n);
  await finish(log, 'later');
  assert.deepEqual(seqs(await early), range(1, 5));
  assert.deepEqual(seqs(await future), [4, 5]);
});

test('nothing is heard of a transaction that is rolled back', async () => {
  const iterator = log.subscribe('rolled', { afterSeq: 0, snapshot: never });
  const next = iterator.next();
  await assert.rejects(connection.transaction(async () => {
    assert.equal(await progress(log, 'rolled', 1), 1);
    throw new Error('no');
  }));
  assert.equal(await progress(log, 'rolled', 2), 1);
  assert.deepEqual((await next).value?.body, { n: 2 });
  await iterator.return?.();
});

test('return() ends at once a next() that waits, and the iterator stays ended', async () => {
  const iterator = log.subscribe('waiting', { afterSeq: 0, snapshot: never });
  const stuck = log.subscribe('waiting', { snapshot: () => new Promise(() => {}) });
  const waiting = [iterator.next(), stuck.next()];
  await iterator.return?.();
  await stuck.return?.();
  assert.deepEqual(await Promise.all(waiting), [{ value: undefined, done: true }, { value: undefined, done: true }]);
  assert.deepEqual(await iterator.next(), { value: undefined, done: true });
});

test('a snapshot that fails is the subscriber to hear of', async () => {
  const iterator = log.subscribe('broken', { snapshot: () => Promise.reject(new Error('no such job')) });
  await assert.rejects(iterator.next(), /no such job/);
  assert.equal((await iterator.next()).done, true);
});

test('one subscriber that takes nothing neither holds up nor loses anything', async () => {
  const slow = log.subscribe('slow', { afterSeq: 0, snapshot: never });
  const quick = all(log.subscribe('slow', { afterSeq: 0, snapshot: never }));
  const first = slow.next();
  await progress(log, 'slow', 1);
  assert.equal((await first).value?.seq, 1);
  await connection.transaction(async () => {
    await connection.execute(`update stories.event_stream set last_seq = 2999 where name = 'slow'`);
    await connection.execute(`insert into stories.event (stream, seq, kind, body, terminal) select 'slow', n, 'PROGRESS', '{"n":0}', false from generate_series(2, 2999) n`);
  });
  await finish(log, 'slow');
  assert.deepEqual(seqs(await quick), range(1, 3000));
  assert.deepEqual(seqs(await all(slow)), range(2, 3000));
});

test('all subscribers of a stream share one reading of each event', async () => {
  let statements = 0;
  const counting: Connection = { ...connection, store: <Tables>(schema: string) => {
    const store = connection.store<Tables>(schema);
    return () => {
      statements++;
      return store();
    };
  } };
  const reader = createEventLog<Body>(counting, 'stories');
  const subscribers = Array.from({ length: 40 }, () => reader.subscribe('shared', { afterSeq: 0, snapshot: never }));
  const begun = subscribers.map((subscriber) => subscriber.next());
  await progress(reader, 'shared', 1);
  await Promise.all(begun);
  statements = 0;
  const rest = subscribers.map(all);
  for (let n = 2; n <= 20; n++) await progress(reader, 'shared', n);
  await finish(reader, 'shared');
  for (const events of await Promise.all(rest)) assert.deepEqual(seqs(events), range(2, 21));
  // 20 appended, each read once or twice or together with the next, and perhaps some polls; read by everybody it would be 800.
  assert.ok(statements > 20 && statements < 150, `${statements} statements for 20 events and 40 subscribers`);
});

test('what was trimmed is one snapshot that says so, then what follows', async () => {
  for (let n = 1; n <= 5; n++) await progress(log, 'old', n);
  await connection.execute(`update stories.event set at = now() - interval '1 hour' where stream = 'old' and seq in (1, 2, 4)`);
  assert.equal(await log.trim(new Date(Date.now() - 1_800_000)), 4);
  const snapshot = async (): Promise<Snapshot<Body>> => ({ seq: 5, body: { n: 50 }, terminal: false });
  const gap = all(log.subscribe('old', { afterSeq: 1, snapshot }));
  const none = all(log.subscribe('old', { afterSeq: 4, snapshot: never }));
  await progress(log, 'old', 6);
  await finish(log, 'old');
  assert.deepEqual((await gap).map(({ seq, kind, gap: isGap }) => [seq, kind, isGap]), [[5, 'SNAPSHOT', true], [6, 'PROGRESS', false], [7, 'COMPLETED', false]]);
  assert.deepEqual(seqs(await none), [5, 6, 7]);
});

test('two processes on one database behave as one', { skip: !onPostgres }, async (t) => {
  const url = await createTestDatabase(t);
  const [here, there] = [await openAnother(t, url), await openAnother(t, url)];
  const [logHere, logThere] = [createEventLog<Body>(here, 'stories'), createEventLog<Body>(there, 'stories')];
  await migrate(here, 'stories', logHere.migrations);
  const heard = [logHere, logThere].map((events) => all(events.subscribe('both', { afterSeq: 0, snapshot: never })));
  await Promise.all([appendAtOnce(logHere, here, 'both', 10, 5), appendAtOnce(logThere, there, 'both', 10, 5)]);
  await finish(logThere, 'both');
  for (const events of await Promise.all(heard)) assert.deepEqual(seqs(events), range(1, 81));
});

test('an event of another process arrives promptly, and also when the notification is lost', { skip: !onPostgres }, async (t) => {
  const url = await createTestDatabase(t);
  const [here, there] = [await openAnother(t, url), await openAnother(t, url)];
  const [logHere, logThere] = [createEventLog<Body>(here, 'stories'), createEventLog<Body>(there, 'stories')];
  await migrate(here, 'stories', logHere.migrations);
  const iterator = logThere.subscribe('far', { afterSeq: 0, snapshot: never });
  const first = iterator.next();
  await progress(logHere, 'far', 1);
  assert.equal((await first).value?.seq, 1);
  const second = iterator.next();
  // As if its process had died between the commit and the notification.
  await here.execute(`update stories.event_stream set last_seq = 2 where name = 'far'`);
  await here.execute(`insert into stories.event (stream, seq, kind, body, terminal) values ('far', 2, 'PROGRESS', '{"n":2}', false)`);
  assert.equal((await second).value?.seq, 2);
  await iterator.return?.();
});
