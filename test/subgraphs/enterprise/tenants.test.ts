import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { BlobKey } from '../../../subgraphs/blobs.ts';
import { type Clients, createClients } from '../../../subgraphs/clients.ts';
import { type ApiLogs, createApiLogs } from '../../../subgraphs/api-logs.ts';
import { createCredits, type Credits } from '../../../subgraphs/credits.ts';
import { createLog } from '../../../subgraphs/log.ts';
import { createAccounts, enterpriseMigrations } from '../../../subgraphs/enterprise/index.ts';
import { createStore, type Store } from '../../../subgraphs/enterprise/store.ts';
import { type AccountId, newAccountId, newClientId, newErasureId, newGenerationId, newLinkId, newMediaId, newUserId } from '../../../subgraphs/ids.ts';
import { createErasures, type Erasures } from '../../../subgraphs/erasures.ts';
import { createJobs } from '../../../subgraphs/jobs.ts';
import { createKeys, type Keys } from '../../../subgraphs/keys.ts';
import { migrate } from '../../../subgraphs/migrations.ts';
import { openTestConnection } from '../../support/database.ts';

const connection = await openTestConnection({ after });
await migrate(connection, 'enterprise', enterpriseMigrations);
const store = createStore(connection);
const keys = await createKeys(connection);
after(() => keys.close());
const credits = createCredits(connection);
const clients = createClients(connection);
const page = { first: 10, limit: 11, after: null };
const blobKey = `${'a'.repeat(64)}-0123456789abcdef.jpg` as BlobKey;

async function fill() {
  const partner = await createAccounts(connection).createAccount({ kind: 'partner', name: 'Partner' });
  const user = await store.getUserByEmail({ id: newUserId(), email: 'Owner@example.com', email_key: 'owner@example.com' });
  const account = { id: newAccountId(), kind: 'enterprise' as const, name: 'Salon', slug: 'salon-1000', business_type: 'SALON' as const, subscription_status: 'ACTIVE' as const, website: null, partner_id: partner, user_id: null };
  assert.ok(await store.insertEnterprise(account));
  const owner = account.id;
  await store.insertMemberships(owner, user.id, ['business_owner']);
  await store.insertWidget(owner);
  const { key, secret } = await keys.issue({ accountId: owner, accountKind: 'enterprise', name: 'k', scopes: [], expiresAt: null, userId: user.id });
  const { session } = await keys.openSession({ accountId: owner, accountKind: 'enterprise', userId: user.id, scopes: [], expiresAt: new Date(Date.now() + 60_000) });
  await credits.grant(owner, 5, 'trial');
  const job = newGenerationId();
  await credits.reserve(owner, job, 1, 'picture');
  const client = await store.insertClient(owner, key.id, { id: newClientId(), email: 'jane@example.com', email_key: 'jane@example.com', name: 'Jane', phone_number: '+1555', phone_key: '+1555', source: 'api' });
  assert.ok(client);
  const media = await store.insertMedia(owner, { id: newMediaId(), client_id: client.id, blob_key: blobKey, file_name: 'a', source: 'upload' });
  assert.ok(media);
  return { partner, user, owner, account, session, key, secret, job, client, media };
}

const own = await fill();

/** Nothing of anybody: null, no rows, no number. */
function isNothing(found: unknown): boolean {
  if (found === null || found === 0 || found === false || (Array.isArray(found) && found.length === 0)) return true;
  return typeof found === 'object' && JSON.stringify(found) === JSON.stringify({ rows: [], total: 0 });
}

async function walked(walk: Record<string, () => Promise<unknown>>, whole: object): Promise<void> {
  assert.deepEqual(Object.keys(walk).sort(), Object.keys(whole).sort());
  for (const [name, call] of Object.entries(walk)) {
    const found = await call();
    assert.ok(isNothing(found), `${name} gave ${JSON.stringify(found)}`);
  }
}

/** Everything that the database holds of the owner, as text. */
const everything = async (): Promise<string> => JSON.stringify(await Promise.all(['account', 'api_key', 'balance', 'ledger', 'client', 'client_count', 'client_block', 'client_media', 'membership', 'widget', 'request_key'].map((table) =>
  connection.execute(`select to_jsonb(t) as row from enterprise.${table} t where ${table === 'account' ? 'id' : 'account_id'} = $1 order by 1`, [own.owner]))));

const strangerOf = async (): Promise<AccountId> => createAccounts(connection).createAccount({ kind: 'enterprise', name: 'Rival', slug: `rival-${newClientId().slice(-8).toLowerCase()}`, businessType: 'BARBER' });

test('a foreign tenant gets nothing and changes nothing, by every function of the store', async () => {
  const before = await everything();
  const foreign = await strangerOf();
  const { owner, user, client, media, key } = own;
  const walk: { [Name in keyof Store]: () => Promise<unknown> } = {
    insertAccount: async () => null,
    insertEnterprise: () => store.insertEnterprise({ ...own.account, id: newAccountId() }),
    listEnterprises: () => store.listEnterprises(foreign, page),
    findEnterprise: () => store.findEnterprise(foreign, owner),
    countEnterprises: () => store.countEnterprises(foreign),
    findAccount: () => store.findAccount(newAccountId()),
    insertWidget: async () => null,
    listWidgets: () => store.listWidgets([foreign]),
    // Users are nobody's: who knows an address already learns the id of its user, and nothing of its accounts.
    getUserByEmail: async () => null,
    insertMemberships: async () => null,
    findOwners: () => store.findOwners([foreign]),
    findPeople: () => store.findPeople(foreign, { ids: [user.id], emailKeys: ['jane@example.com', 'owner@example.com'] }),
    listMembers: () => store.listMembers(foreign),
    findMember: () => store.findMember(foreign, user.id),
    lockMembers: () => connection.transaction(() => store.lockMembers(foreign)),
    deleteMemberships: () => store.deleteMemberships(foreign, user.id).then(() => null),
    // A person's own: whoever has its id is that person, or has proved to be by a link.
    lockUser: async () => null,
    markSignedIn: async () => null,
    listMemberships: () => store.listMemberships(newUserId()),
    insertLink: async () => null,
    findLink: async () => (await store.findLink({ id: newLinkId() }, new Date())) ?? store.findLink({ tokenSha256: 'none' }, new Date()),
    takeLink: () => store.takeLink(newLinkId()),
    deleteLinks: async () => null,
    trimLinks: async () => null,
    insertClient: async () => (await store.insertClient(foreign, key.id, { id: newClientId(), email: null, email_key: 'x', name: null, phone_number: null, phone_key: null, source: 'api' }))?.createdBy ?? null,
    findTwin: () => store.findTwin(foreign, 'jane@example.com', '+1555'),
    findClients: () => store.findClients(foreign, [client.id]),
    listClients: () => store.listClients(foreign, 'jane', page),
    deleteClient: () => store.deleteClient(foreign, client.id),
    listMediaFiles: () => store.listMediaFiles(foreign, client.id),
    deleteMedia: () => store.deleteMedia(foreign, client.id),
    insertMedia: () => store.insertMedia(foreign, { id: newMediaId(), client_id: client.id, blob_key: blobKey, file_name: 'b', source: 'upload' }),
    findMedia: () => store.findMedia(foreign, [media.id]),
    listMedia: () => store.listMedia(foreign, [client.id], page),
  };
  await walked(walk, store);
  assert.equal(await everything(), before);
  assert.deepEqual((await store.listClients(owner, null, page)).rows, [client]);
  assert.deepEqual(await store.findMedia(owner, [media.id]), [media]);
});

test('the same of keys, credits and what all subgraphs know of clients', async () => {
  const before = await everything();
  const foreign = await strangerOf();
  const { owner, client, key, job, user, session } = own;
  const refusedKey = (work: Promise<unknown>): Promise<null> => work.then(() => assert.fail('it was done'), (error: unknown) => (assert.match(String(error), /API key not found/), null));
  const keyWalk: { [Name in keyof Keys]: () => Promise<unknown> } = {
    issue: async () => null,
    issueAlone: async () => null,
    findCaller: () => keys.findCaller(`ak_${'0'.repeat(43)}`),
    list: () => keys.list(foreign),
    find: () => keys.find(foreign, key.id),
    get: () => refusedKey(keys.get(foreign, key.id)),
    delete: () => refusedKey(keys.delete(foreign, key.id)),
    onEnded: async () => null,
    close: async () => null,
    openSession: async () => null,
    endSessions: async () => [await keys.endSessions(user.id, { accountId: foreign }), await keys.endSessions(newUserId()), await keys.endSessions(newUserId(), { keyId: session.id })].find((ended) => ended > 0) ?? null,
    trimSessions: () => keys.trimSessions(),
    findCredential: async () => (await keys.findCredential(foreign, key.id)) ?? keys.findCredential(foreign, session.id),
  };
  await walked(keyWalk, keys);
  const clientWalk: { [Name in keyof Clients]: () => Promise<unknown> } = {
    findClient: () => clients.findClient(foreign, client.id),
    holdClient: () => connection.transaction(() => clients.holdClient(foreign, client.id)),
    showPictures: () => clients.showPictures(foreign, client.id, [{ blobKey, fileName: 'x' }]).then(() => null),
  };
  await walked(clientWalk, clients);
  const creditWalk: { [Name in keyof Credits]: () => Promise<unknown> } = {
    grant: async () => null,
    reserve: () => credits.reserve(foreign, newGenerationId(), 1, 'picture').then(() => assert.fail('it was held'), () => null),
    reserveEach: () => credits.reserveEach(foreign, [newGenerationId()], 'picture'),
    // What a job holds is settled by whoever runs the job.
    consume: async () => null,
    release: async () => null,
    balance: async () => Object.values(await credits.balance(foreign)).filter((amount) => amount > 0),
    ledger: () => credits.ledger(foreign, page),
    charges: () => credits.charges(foreign, job),
    chargesOf: () => credits.chargesOf(foreign, [job]),
    usage: () => credits.usage(foreign, new Date(0)),
  };
  await walked(creditWalk, credits);
  const apiLogs = createApiLogs(connection, createLog('silent'));
  apiLogs.note({ accountId: owner, keyId: key.id, requestId: 'r', at: new Date(), method: 'GET', path: '/x', operation: null, status: 200, durationMs: 1 });
  const logWalk: { [Name in keyof ApiLogs]: () => Promise<unknown> } = {
    note: async () => null,
    list: () => apiLogs.list(foreign, { keyId: key.id }, page),
    trim: async () => null,
    close: async () => null,
  };
  await walked(logWalk, apiLogs);
  assert.equal((await apiLogs.list(owner, {}, page)).length, 1);
  assert.equal(await everything(), before);
  assert.equal((await clients.findClient(owner, client.id))?.email, 'jane@example.com');
});

test('a receipt is read by who asked for it only', async () => {
  const jobs = createJobs(connection, { onError: (error) => assert.fail(String(error)) });
  const erasures = createErasures(connection, jobs);
  await jobs.start({ work: false });
  const { id } = await erasures.request('enterprise', { accountId: own.owner, clientId: newClientId(), id: newErasureId() }, { rows: 1, files: 0 });
  const foreign = await strangerOf();
  const walk: { [Name in keyof Erasures]: () => Promise<unknown> } = {
    define: async () => null,
    request: async () => null,
    find: () => erasures.find(foreign, id),
    counts: async () => (await erasures.counts(foreign, id)).filter(({ rows }) => rows > 0),
  };
  await walked(walk, erasures);
  assert.deepEqual((await erasures.counts(own.owner, id)).map(({ rows }) => rows), [1, 0, 0, 0]);
  await jobs.stop();
});

test('every client stands on one page, whatever is added, refused and erased at once', async () => {
  const owner = await strangerOf();
  const add = (email: string) => store.insertClient(owner, own.key.id, { id: newClientId(), email, email_key: email, name: null, phone_number: null, phone_key: null, source: 'api' });
  const spare = await Promise.all(Array.from({ length: 5 }, (_, index) => add(`spare${index}@example.com`)));
  await Promise.all([...Array.from({ length: 40 }, (_, index) => add(`c${index % 25}@example.com`)), ...spare.map((client) => client && store.deleteClient(owner, client.id))]);
  const pages = await Promise.all([0, 10, 20, 30].map(async (skip) => store.listClients(owner, null, { first: 10, limit: 10, after: null, skip })));
  assert.deepEqual(pages.map(({ rows, total }) => [rows.length, total]), [[10, 25], [10, 25], [5, 25], [0, 25]]);
  assert.equal(new Set(pages.flatMap(({ rows }) => rows.map(({ id }) => id))).size, 25);
});

test('pages of many clients are those of reading all, also where most of them were erased', async () => {
  const owner = await strangerOf();
  // As many as need several blocks, kept as a business of before kept them.
  await connection.execute(`insert into enterprise.client (id, account_id, number, email, email_key, source) select 'client_' || lpad(n::text, 26, '0'), $1, n, 'c' || n || '@many.example', 'c' || n || '@many.example', 'api' from generate_series(1, 2300) n`, [owner]);
  await connection.execute('insert into enterprise.client_count (account_id, total, last) values ($1, 2300, 2300)', [owner]);
  await connection.execute('insert into enterprise.client_block select account_id, number / 500, count(*) from enterprise.client where account_id = $1 group by 1, 2', [owner]);
  const ids = async (): Promise<string[]> => (await connection.execute('select id from enterprise.client where account_id = $1 order by number desc', [owner])).map(({ id }) => String(id));
  const check = async (): Promise<void> => {
    const all = await ids();
    for (const skip of [0, 1, 99, 499, 500, 501, 1200, 1799, all.length - 1, all.length, all.length + 500].filter((at) => at >= 0)) {
      const { rows, total } = await store.listClients(owner, null, { first: 100, limit: 101, after: null, skip });
      assert.deepEqual([total, rows.map(({ id }) => id)], [all.length, all.slice(skip, skip + 101)], `from ${skip}`);
    }
  };
  await check();
  const gone = (await ids()).filter((_, index) => index % 7 === 0 || (index > 600 && index < 1300));
  for (const id of gone) assert.ok(await store.deleteClient(owner, id as typeof own.client.id));
  await check();
  assert.ok(await store.insertClient(owner, own.key.id, { id: newClientId(), email: null, email_key: 'new', name: null, phone_number: null, phone_key: null, source: 'api' }));
  await check();
});
