import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Demo } from '../../gateway/demo-data.ts';
import { createTestDatabase, onPostgres, openAnother, until } from '../support/database.ts';
import { smallPortrait } from '../support/photos.ts';
import { type Answer, createTestClient } from '../support/platform.ts';
import { photoForm } from '../support/posts.ts';
import { freePort, type Process, startProcess } from '../support/process.ts';

type Gateway = ReturnType<typeof createTestClient> & { restart(): Promise<void> };

/** To one address. */
const linksAnHour = 5;

/** Two processes, of which each alone would allow as much. */
async function openSite() {
  const dataDir = await mkdtemp(join(tmpdir(), 'rates-'));
  const drops: (() => Promise<void>)[] = [];
  const databaseUrl = await createTestDatabase({ after: (drop) => drops.push(drop) });
  const connection = await openAnother({ after: (close) => drops.unshift(close) }, databaseUrl);
  const running = new Set<Process>();
  after(async () => {
    await Promise.all([...running].map((process) => process.end('SIGKILL')));
    for (const drop of drops) await drop();
    await rm(dataDir, { recursive: true, force: true });
  });
  const ports = [await freePort(), await freePort()];
  const shared = { DATA_DIR: dataDir, DATABASE_URL: databaseUrl, NODE_ENV: 'development', LOG_LEVEL: 'warn', WORKERS: '0', RENDER_WORKERS: '1', PUBLIC_URL: `http://127.0.0.1:${ports[0]}`, REQUESTS_PER_MINUTE: '40', COST_PER_MINUTE: '20000' };
  const gateways: Gateway[] = [];
  for (const port of ports) {
    const start = async (): Promise<Process> => {
      const process = await startProcess({ args: ['gateway/main.ts'], env: { ...shared, PORT: String(port) }, ready: 'Lookgraph is ready' });
      running.add(process);
      return process;
    };
    let process = await start();
    gateways.push({ ...createTestClient(`http://127.0.0.1:${port}`), async restart() {
      running.delete(process);
      await process.end('SIGKILL');
      process = await start();
    } });
  }
  const [one, two] = gateways as [Gateway, Gateway];
  return { one, two, connection, demo: JSON.parse(await readFile(join(dataDir, 'demo.json'), 'utf8')) as Demo };
}

const { one, two, connection, demo } = onPostgres ? await openSite() : {} as Awaited<ReturnType<typeof openSite>>;

describe('two gateways on one database', { skip: !onPostgres && 'only PostgreSQL can be shared' }, () => {
  const both = async (count: number, ask: (gateway: Gateway) => Promise<Answer>): Promise<Answer[]> => Promise.all(Array.from({ length: count }, async (_, index) => ask(index % 2 === 0 ? one : two)));
  const passed = (answers: readonly Answer[]): number => answers.filter(({ status }) => status !== 429).length;

  const families = {
    hairstyles: [40, () => ({ path: '/api/v1/colors', headers: { 'x-api-key': demo.personalKey } })],
    enterprise: [40, () => ({ path: `/api/v1/enterprise/${demo.enterprise.slug}/clients`, headers: { 'x-api-key': demo.enterprise.key } })],
    headshot: [300, () => ({ path: '/api/v2/organization/credits', headers: { authorization: `Bearer ${demo.organizationKey}` } })],
  } as const;
  for (const [family, [limit, asked]] of Object.entries(families)) {
    test(`${family}: of more than ${limit} requests of a minute ${limit} pass, and a gateway that was killed and started again knows`, { timeout: 240_000 }, async () => {
      const ask = async (gateway: Gateway): Promise<Answer> => {
        const { path, headers } = asked();
        return gateway.rest(path, { headers });
      };
      // Again, when a minute ended meanwhile: all that was counted must be of one.
      await until(async () => {
        const first = await both(limit - 10, ask);
        await two.restart();
        const rest = await both(30, ask);
        const all = [...first, ...rest];
        const ends = all.map(({ headers }) => Date.parse(headers.get('x-ratelimit-reset') ?? ''));
        if (new Set(ends).size > 1) return (await sleep(Math.max(...ends) - Date.now() + 500), false);
        assert.deepEqual([passed(first), passed(rest)], [limit - 10, 10]);
        assert.deepEqual(all.filter(({ status }) => status !== 429).map(({ headers }) => Number(headers.get('x-ratelimit-remaining'))).sort((a, b) => a - b), Array.from({ length: limit }, (_, left) => left));
        return true;
      }, 200_000);
    });
  }

  test('a hundred shades a month are read, and not one more, wherever they are asked for', async () => {
    const photo = await smallPortrait(300);
    const ask = async (gateway: Gateway): Promise<Answer> => gateway.rest('/api/skinshade', { key: demo.personalKey, body: photoForm(photo) });
    assert.equal((await ask(one)).status, 200);
    await connection.execute("update enterprise.quota set used = 92 where name = 'skin-shades'");
    const answers = await both(20, ask);
    assert.deepEqual([passed(answers), answers.filter(({ status }) => status === 200).length], [8, 8]);
    await one.restart();
    assert.deepEqual([(await ask(one)).status, (await ask(two)).status], [429, 429]);
  });

  test('as many sign-in links are sent to an address as from one gateway', async () => {
    const query = 'mutation { requestSignInLink(email: "somebody@example.com") { errors { code } } }';
    const answers = await both(20, async (gateway) => gateway.rest('/graphql', { json: { query } }));
    assert.deepEqual(answers.filter(({ text }) => !text.includes('RATE_LIMITED')).length, linksAnHour);
    await two.restart();
    assert.match((await two.rest('/graphql', { json: { query } })).text, /RATE_LIMITED/);
  });

  test('what a key has spent at one gateway it cannot spend at the other, nor after a restart', async () => {
    const query = 'query { viewer { account { generations(first: 100) { nodes { id styles { id } images { id url } } } } } }';
    const ask = async (gateway: Gateway): Promise<Answer<{ extensions?: { cost: { operation: number } } }>> => gateway.rest('/graphql', { key: demo.partnerKey, json: { query, extensions: { cost: true } } });
    const cost = (await ask(one)).body.extensions?.cost.operation ?? 0;
    // A budget that fills up by as much in seconds must not be what lets another one pass.
    assert.ok(cost > 2_000, `${cost}`);
    let spent = cost;
    for (let answer = await ask(one); answer.status === 200; answer = await ask(one)) spent += cost;
    assert.ok(spent > 20_000 - cost && spent < 20_000 + 2 * cost, `${spent}`);
    await until(async () => (await ask(two)).status === 429, 10_000);
    await two.restart();
    // The first that it hears of the key tells it.
    await until(async () => (await ask(two)).status === 429, 10_000);
  });
});
