import { type TestPlatform, startTestPlatform } from '../support/platform.ts';
import { addClient, openBusiness, type TestSalon } from '../support/salon.ts';
import { onPostgres } from '../support/database.ts';

const clients = 100_000;
const others = 20;
const rounds = 300;
const warmUps = 40;

type Case = { name: string; path: string | ((round: number) => string) };

/**
 * Pages of a business with 100,000 clients, in a database with 20 more businesses of 5,000, as times of one client read by its id: REST through
 * the front door, on PostgreSQL. Every tenth client has five photos.
 */
export async function run(): Promise<void> {
  if (!onPostgres) return void process.stdout.write('needs TEST_DATABASE_URL: on PostgreSQL only\n');
  const ends: (() => Promise<void>)[] = [];
  try {
    const platform = await startTestPlatform({ after: (end) => ends.push(end) }, { workers: 0, variables: { REQUESTS_PER_MINUTE: '1000000' } });
    const salon = await fill(platform);
    const middle = await addClient(platform, salon, { email: 'one@primary.example' });
    const at = (rest: string): string => salon.at(`clients${rest}`);
    const reference = { name: 'by its id', path: at(`/${middle}`) };
    await measure(platform, salon.key, reference, [
      { name: 'first page of 10', path: at('') }, { name: 'page 5,000 of 10', path: at('?page=5000') }, { name: 'last page of 10', path: at('?page=10000') },
      { name: 'an address is found', path: at('?search=ada.77123%40mail3.example') }, { name: 'a part of it is found', path: at('?search=a.7712') },
      { name: 'nothing is found', path: at('?search=nobody%40nowhere') }, { name: '20,000 are found', path: at('?search=mail3.example') },
      { name: '20,000, another search', path: (round) => at(`?search=${spelled('mail3.example', round)}`) },
      { name: '100,000 are found', path: at('?search=example') }, { name: 'two letters', path: at('?search=da') },
    ]);
    await measureErasure(platform, salon);
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

/** The same text, in small and capital letters as the bits of a number say: all find the same, and none was counted before. */
function spelled(text: string, bits: number): string {
  let place = 0;
  return text.replaceAll(/[a-z]/g, (letter) => (((bits + warmUps) >> place++) & 1 ? letter.toUpperCase() : letter));
}

/** Whoever was added first, again and again. */
async function measureErasure(platform: TestPlatform, { key, at }: TestSalon): Promise<void> {
  const times: number[] = [];
  for (let round = 0; round < 40; round++) {
    const { body } = await platform.rest<{ clients: [{ id: string }] }>(at(`clients?limit=1&page=${clients + 1 - round}`), { key });
    const startedAt = performance.now();
    const { status, text } = await platform.rest(at(`clients/${body.clients[0].id}`), { method: 'DELETE', key });
    if (status !== 202) throw new Error(`erasure: ${status} ${text}`);
    times.push(performance.now() - startedAt);
  }
  process.stdout.write(`${'the oldest is erased'.padEnd(24)} p50 ${median(times).toFixed(2).padStart(7)} ms\n`);
}

async function fill(platform: TestPlatform): Promise<TestSalon> {
  const { connection } = platform.platform;
  const partner = await platform.tenant({ kind: 'partner' });
  const salon = await openBusiness(platform, partner.key);
  const add = async (accountId: string, count: number): Promise<void> => {
    // Ids in the order of creation, as ULIDs are.
    await connection.execute(`insert into enterprise.client (id, account_id, number, email, email_key, name, phone_number, phone_key, source, created_by)
      select 'client_01' || lpad(n::text, 20, '0') || upper(substr(md5($1::text), 1, 4)), $1::uuid, n, email, email, 'Ada ' || n, '+4670' || lpad(n::text, 7, '0'), '+4670' || lpad(n::text, 7, '0'), 'bench', (select user_id from enterprise.membership where account_id = $1::uuid limit 1)
      from (select n, 'ada.' || n || '@mail' || n % 5 || '.example' as email from generate_series(1, $2::int) n) made`, [accountId, count]);
    await connection.execute('insert into enterprise.client_count (account_id, total, last) values ($1, $2, $2)', [accountId, count]);
    await connection.execute('insert into enterprise.client_block (account_id, block, clients) select account_id, number / 500, count(*) from enterprise.client where account_id = $1 group by 1, 2', [accountId]);
    await connection.execute(`insert into enterprise.client_media (id, account_id, client_id, blob_key, file_name, source)
      select 'media_01' || lpad(client.number::text, 18, '0') || part || upper(substr(md5($1::text), 1, 5)), client.account_id, client.id, repeat('a', 64) || '-0123456789abcdef.jpg', 'photo', 'upload'
      from enterprise.client, generate_series(1, 5) part where client.account_id = $1::uuid and client.number % 10 = 0`, [accountId]);
  };
  await add(salon.id, clients);
  for (let index = 0; index < others; index++) await add((await openBusiness(platform, partner.key)).id, 5_000);
  await connection.execute('vacuum analyze');
  return salon;
}

async function measure(platform: TestPlatform, key: string, reference: Case, cases: readonly Case[]): Promise<void> {
  const took = new Map<Case, number[]>([reference, ...cases].map((one) => [one, []]));
  // In turn, so that a slower moment of the machine is shared by all.
  for (let round = -warmUps; round < rounds; round++) {
    for (const [one, times] of took) {
      const startedAt = performance.now();
      const { status, text } = await platform.rest(typeof one.path === 'string' ? one.path : one.path(round), { key });
      if (status !== 200) throw new Error(`${one.name}: ${status} ${text}`);
      if (round >= 0) times.push(performance.now() - startedAt);
    }
  }
  const unit = median(took.get(reference) ?? []);
  for (const [one, times] of took) process.stdout.write(`${one.name.padEnd(24)} p50 ${median(times).toFixed(2).padStart(7)} ms   ${(median(times) / unit).toFixed(2).padStart(6)} x\n`);
}

const median = (times: readonly number[]): number => times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;

if (import.meta.main) await run();
