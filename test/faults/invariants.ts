import type { Client } from 'pg';
import type { Followed } from './follower.ts';
import type { Submit, Tenant } from './load.ts';
import type { Receiver } from './receiver.ts';

type Row = Record<string, unknown>;
type Ledger = { accountId: string; kind: string; amount: number };
/** What is to be looked at when everything has ended. `hasFile`: whether a blob is there. */
export type Aftermath = { database: Client; tenants: readonly Tenant[]; submits: readonly Submit[]; followed: readonly Followed[]; receiver: Receiver; pathOf: (key: string) => string; hasFile: (blobKey: string) => boolean };

const genOf = (jobId: string): string => jobId.replace(/^job_/, 'gen_');
const finals = new Set(['COMPLETED', 'FAILED', 'CANCELED']);

/** Every promise that is broken, in words. */
export async function findViolations(aftermath: Aftermath): Promise<string[]> {
  const { database, submits } = aftermath;
  const { rows } = await database.query<Row>('select id, account_id, status, mode, cost, last_seq, callback_url, failure from hairstyle.generation');
  const jobs = new Map(rows.map((row) => [String(row['id']), row]));
  return [
    ...submits.flatMap((submit) => ofSubmit(submit, jobs)), ...onePerKey(rows), ...await charges(aftermath, rows), ...aftermath.followed.flatMap((followed) => ofFollower(followed, jobs)),
    ...webhooks(aftermath, rows), ...await leftOver(database), ...await events(database), ...await files(aftermath),
  ];
}

function ofSubmit({ ids, key, wasCanceled }: Submit, jobs: ReadonlyMap<string, Row>): string[] {
  if (ids.size > 1) return [`key ${key} was acknowledged with ${[...ids].join(', ')}`];
  return [...ids].flatMap((id) => {
    const job = jobs.get(genOf(id));
    if (!job) return [`${id} was acknowledged and is not there`];
    if (!finals.has(String(job['status']))) return [`${id} has not ended: ${String(job['status'])}`];
    return wasCanceled && job['status'] !== 'CANCELED' ? [`${id} was called canceled and is ${String(job['status'])}`] : [];
  });
}

/** Also of keys that nobody acknowledged. */
function onePerKey(rows: readonly Row[]): string[] {
  return Object.entries(Object.groupBy(rows, (row) => String(row['callback_url']))).flatMap(([url, of]) => ((of?.length ?? 0) > 1 ? [`${url} has ${of?.length} jobs`] : []));
}

async function charges({ database, tenants }: Aftermath, rows: readonly Row[]): Promise<string[]> {
  const { rows: lines } = await database.query<Row>('select account_id, job_id, kind, amount from enterprise.ledger');
  const byJob = Object.groupBy(lines, (line) => String(line['job_id']));
  const wrong = rows.flatMap((row) => {
    const written = (byJob[String(row['id'])] ?? []).map((line) => `${String(line['kind'])} ${String(line['amount'])}`).sort().join(', ');
    const cost = Number(row['cost']);
    const expected = cost === 0 ? '' : [`reserve ${cost}`, `${row['status'] === 'COMPLETED' ? 'consume' : 'release'} ${cost}`].sort().join(', ');
    return written === expected ? [] : [`${String(row['id'])}, ${String(row['status'])}, has in the ledger: ${written || 'nothing'}`];
  });
  const { rows: balances } = await database.query<Row>('select account_id, available, reserved from enterprise.balance');
  for (const tenant of tenants) {
    const balance = balances.find((row) => row['account_id'] === tenant.accountId);
    const consumed = lines.map((line): Ledger => ({ accountId: String(line['account_id']), kind: String(line['kind']), amount: Number(line['amount']) })).filter(({ accountId, kind }) => accountId === tenant.accountId && kind === 'consume').reduce((sum, { amount }) => sum + amount, 0);
    if (Number(balance?.['reserved']) !== 0) wrong.push(`account ${tenant.accountId} has ${String(balance?.['reserved'])} reserved`);
    if (Number(balance?.['available']) !== tenant.granted - consumed) wrong.push(`account ${tenant.accountId} has ${String(balance?.['available'])} of ${tenant.granted} and used ${consumed}`);
  }
  return wrong;
}

function ofFollower({ id, how, seen, gaveUp }: Followed, jobs: ReadonlyMap<string, Row>): string[] {
  const job = jobs.get(genOf(id));
  if (gaveUp || !job) return [`the follower of ${id} ${how} never saw its end; it saw ${seen.map(({ seq }) => seq).join()}`];
  const numbers = seen.map(({ seq }) => seq);
  const expected = Array.from({ length: Number(job['last_seq']) }, (_, at) => at + 1);
  if (numbers.join() !== expected.join()) return [`the follower of ${id} ${how} saw ${numbers.join()} of ${expected.length}`];
  const last = seen.at(-1);
  return last?.isLast && last.status === String(job['status']).toLowerCase() ? [] : [`the last event of ${id} was ${last?.status}, and it is ${String(job['status'])}`];
}

function webhooks({ receiver, submits, pathOf }: Aftermath, rows: readonly Row[]): string[] {
  const known = new Map(rows.map((row) => [String(row['callback_url']), row]));
  return [...known].flatMap(([url, row]) => {
    const path = new URL(url).pathname;
    const told = receiver.taken.get(path) ?? [];
    const ids = new Set(told.map(({ id }) => id));
    if (told.length === 0) return [`nothing was told of ${String(row['id'])}`];
    if (ids.size > 1) return [`${String(row['id'])} was told of under ${ids.size} ids`];
    const words = new Set(told.map(({ body }) => (JSON.parse(body) as { data: { status: string } }).data.status));
    return words.size === 1 && words.has(String(row['status']).toLowerCase()) ? [] : [`${String(row['id'])} was told of as ${[...words].join()}, and it is ${String(row['status'])}`];
  }).concat(submits.filter(({ ids, key }) => ids.size === 0 && receiver.taken.has(pathOf(key)) && !rows.some((row) => String(row['callback_url']).endsWith(key))).map(({ key }) => `a job of ${key} was told of that is not there`));
}

async function leftOver(database: Client): Promise<string[]> {
  const { rows: jobs } = await database.query<Row>("select name, state::text, count(*)::int as n from jobs.job where state::text in ('created', 'retry', 'active') and name = 'hairstyle.generation' group by 1, 2");
  const { rows: deliveries } = await database.query<Row>("select count(*)::int as n from enterprise.webhook_delivery where state <> 'DELIVERED'");
  const waiting = Number(deliveries[0]?.['n']);
  return [...jobs.map((row) => `${String(row['n'])} jobs of ${String(row['name'])} are ${String(row['state'])}`), ...waiting > 0 ? [`${waiting} deliveries are not made`] : []];
}

/** The log itself: without a hole, and ended. */
async function events(database: Client): Promise<string[]> {
  const { rows } = await database.query<Row>(`select g.id, g.last_seq::int as last, count(e.seq)::int as n, max(e.seq)::int as most, bool_or(e.terminal) as terminal
    from hairstyle.generation g left join hairstyle.event e on e.stream = g.id group by 1, 2`);
  return rows.flatMap((row) => (row['n'] === row['last'] && row['most'] === row['last'] && row['terminal'] === true ? [] : [`the events of ${String(row['id'])}: ${String(row['n'])} of ${String(row['last'])}, ended: ${String(row['terminal'])}`]));
}

async function files({ database, hasFile }: Aftermath): Promise<string[]> {
  const { rows } = await database.query<Row>("select p.id, p.blob_key, g.status from hairstyle.picture p join hairstyle.generation g on g.id = p.generation_id");
  const missing = rows.filter((row) => !hasFile(String(row['blob_key']))).map((row) => `the file of ${String(row['id'])} is not there`);
  const { rows: short } = await database.query<Row>(`select g.id from hairstyle.generation g where g.status = 'COMPLETED'
    and (select count(*) from hairstyle.picture p where p.generation_id = g.id) <> jsonb_array_length(g.style_ids)`);
  return [...missing, ...short.map((row) => `${String(row['id'])} is completed without its picture`)];
}
