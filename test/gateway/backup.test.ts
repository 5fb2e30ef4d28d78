import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { after, before, describe, test } from 'node:test';
import { startLookgraph } from '../../gateway/start.ts';
import { type Connection, openConnection } from '../../subgraphs/database.ts';
import { parseEnvironment } from '../../subgraphs/env.ts';
import { createPlatform } from '../../subgraphs/platform.ts';
import { operatorOf, startSubgraphs } from '../../subgraphs/serve.ts';
import { createTestDatabase, onPostgres, openTestConnection, until } from '../support/database.ts';
import { smallPortrait } from '../support/photos.ts';
import { createTestClient, startTestPlatform } from '../support/platform.ts';
import { openReceiver } from '../support/receiver.ts';
import { startBucket } from '../support/s3.ts';

const folder = await mkdtemp(join(tmpdir(), 'backup-'));
after(() => rm(folder, { recursive: true, force: true }));
const SIGNING_SECRET = 'the same for both, and long enough';

/** A database and a store without anything in them, of another place than the first. */
async function openEmpty(scope: { after(work: () => Promise<void>): void }) {
  const drops: (() => Promise<void>)[] = [];
  const dataDir = await mkdtemp(join(tmpdir(), 'restored-'));
  const databaseUrl = onPostgres ? await createTestDatabase({ after: (drop) => drops.push(drop) }) : null;
  scope.after(async () => {
    for (const drop of drops) await drop();
    await rm(dataDir, { recursive: true, force: true });
  });
  const bucket = await startBucket(scope);
  const { url: S3_URL, region: S3_REGION, accessKeyId: S3_ACCESS_KEY_ID, secretAccessKey: S3_SECRET_ACCESS_KEY } = bucket;
  const env = parseEnvironment({ PORT: '0', DATA_DIR: dataDir, NODE_ENV: 'test', LOG_LEVEL: 'silent', RENDER_WORKERS: '1', SIGNING_SECRET, S3_URL, S3_REGION, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY, ...databaseUrl !== null && { DATABASE_URL: databaseUrl } });
  return { env, bucket, connect: async () => (databaseUrl === null ? openTestConnection({ after: () => undefined }) : openConnection({ databaseUrl, dataDir: null })) };
}

const deliveries = async (connection: Connection): Promise<string[]> => (await connection.execute('select t::text as line from enterprise.webhook_delivery t order by id')).map(({ line }) => String(line));

describe('a generation, backed up while the server runs, and restored elsewhere into another kind of store', () => {
  const ends: (() => Promise<void>)[] = [];
  after(async () => {
    for (const end of ends.reverse()) await end();
  });
  const scope = { after: (end: () => Promise<void>) => void ends.push(end) };
  let first: Awaited<ReturnType<typeof startTestPlatform>>;
  let key = '';
  let id = '';
  let pictures: Buffer[] = [];

  const show = async (client: Pick<typeof first, 'rest' | 'send' | 'gql'>) => {
    const { body } = await client.rest<{ data: { images: string[]; status: string } }>(`/api/v1/generation/${id}`, { key });
    const shown = await Promise.all(body.data.images.map(async (url) => Buffer.from(await (await client.send(new URL(url).pathname + new URL(url).search)).arrayBuffer())));
    const { viewer } = await client.gql<{ viewer: { account: { credits: { available: number; reserved: number } } } }>(key, '{ viewer { account { credits { available reserved } } } }');
    return { status: body.data.status, shown, credits: viewer.account.credits };
  };

  before(async () => {
    const receiver = await openReceiver(scope);
    first = await startTestPlatform(scope, { variables: { SIGNING_SECRET }, allow: [receiver.host] });
    ({ key } = await first.tenant());
    await first.upload(key, await smallPortrait(300));
    id = await first.generate(key, { mode: 'live', styles: ['817941', '462817'], image_name: 'me.jpg', callback_url: receiver.url('/hook') });
    await first.ended(key, id);
    // What was told is kept without what it said: a document that is null.
    await until(async () => (await deliveries(first.platform.connection)).some((line) => line.includes('DELIVERED')));
    ({ shown: pictures } = await show(first));
    assert.deepEqual(pictures.map((bytes) => bytes.subarray(0, 2).toString('hex')), ['ffd8', 'ffd8']);
  });

  test('the backup has all rows and pictures; a second one copies only what is new', async () => {
    const operator = operatorOf(first.platform);
    const [line = ''] = await operator.backup({ to: folder });
    assert.match(line, /^\d+ rows of \d+ tables and 3 new pictures are in /);
    assert.match((await operator.backup({ to: folder })).join(), /and 0 new pictures/);
    assert.ok((await readdir(join(folder, 'database'))).includes('hairstyle.generation.jsonl.gz'));
  });

  test('restored, the same key shows the same generation, with its pictures, byte for byte, and the same credits; and the next one works', async () => {
    const { env, bucket, connect } = await openEmpty(scope);
    const connection = await connect();
    const lookgraph = await startLookgraph({ ...env, workers: 0 }, { connection });
    scope.after(() => lookgraph.stop());
    assert.match((await operatorOf(lookgraph.platform).restore({ from: folder })).join(), /rows and 3 pictures are back as of /);
    const client = createTestClient(lookgraph.url);
    const [then, now] = [await show(first), await show(client)];
    assert.deepEqual(now, then);
    assert.deepEqual(now.shown, pictures);
    assert.deepEqual(await deliveries(connection), await deliveries(first.platform.connection));
    assert.equal([...bucket.objects.keys()].filter((name) => name.endsWith('/original')).length, 3);
    await client.generate(key, { mode: 'test', styles: ['817941'], image_name: 'me.jpg' });
    await assert.rejects(operatorOf(lookgraph.platform).restore({ from: folder }), { code: 'CONFLICT', message: /has accounts already/ });
  });

  test('what is damaged, half or of another version is refused, and the database stays empty', async () => {
    const { env, connect } = await openEmpty(scope);
    const platform = await createPlatform({ ...env, workers: 0 }, { connection: await connect() });
    scope.after(() => platform.stop());
    await startSubgraphs(platform);
    const operator = operatorOf(platform);
    await assert.rejects(operator.restore({ from: join(folder, 'blobs') }), { code: 'NOT_FOUND' });
    const manifest = await readFile(join(folder, 'manifest.json'), 'utf8');
    await writeFile(join(folder, 'manifest.json'), manifest.replace('enterprise.001_accounts', 'enterprise.001_others'));
    await assert.rejects(operator.restore({ from: folder }), { code: 'CONFLICT', message: /another version/ });
    await writeFile(join(folder, 'manifest.json'), manifest);
    const file = join(folder, 'database', 'enterprise.ledger.jsonl.gz');
    const whole = await readFile(file);
    await writeFile(file, gzipSync(gunzipSync(whole).toString().split('\n').slice(1).join('\n')));
    await assert.rejects(operator.restore({ from: folder }), { code: 'CONFLICT', message: /enterprise\.ledger has .* damaged/ });
    assert.deepEqual(await platform.connection.execute('select (select count(*) from enterprise.account)::int as accounts, (select count(*) from hairstyle.generation)::int as generations'), [{ accounts: 0, generations: 0 }]);
    await writeFile(file, whole);
    assert.match((await operator.restore({ from: folder })).join(), /are back/);
  });
});
