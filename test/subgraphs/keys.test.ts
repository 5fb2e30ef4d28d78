import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Failure, type FailureCode } from '../../schema/failures.ts';
import { type AccountKind } from '../../subgraphs/subgraph.ts';
import { createAccounts, enterpriseMigrations } from '../../subgraphs/enterprise/index.ts';
import { type AccountId, newKeyId, newUserId, type UserId } from '../../subgraphs/ids.ts';
import { allScopes, createKeys, defaultScopes, maskedKey } from '../../subgraphs/keys.ts';
import { migrate } from '../../subgraphs/migrations.ts';
import { createTestDatabase, onPostgres, openAnother, openTestConnection, until } from '../support/database.ts';

const connection = await openTestConnection({ after });
const keys = await createKeys(connection);
const everyone = createAccounts(connection);

before(() => migrate(connection, 'enterprise', enterpriseMigrations));
after(() => keys.close());

let count = 0;
const newAccount = (kind: AccountKind): Promise<AccountId> =>
  everyone.createAccount({ kind, name: 'N', ...(kind === 'enterprise' ? { slug: `salon-${count++}`, businessType: 'SALON' } : {}) });
const issue = (accountId: AccountId, accountKind: AccountKind, expiresAt: Date | null = null) =>
  keys.issue({ accountId, accountKind, name: 'key', scopes: defaultScopes(accountKind), expiresAt });
const newUser = async (into = connection): Promise<UserId> => {
  const id = newUserId();
  await into.execute('insert into enterprise."user" (id, email, email_key) values ($1, $1, $1)', [id]);
  return id;
};
const refused = (code: FailureCode) => (error: unknown) => error instanceof Failure && error.code === code;

test('a key is found by its secret and says whose it is', async () => {
  const accountId = await newAccount('enterprise');
  const { key, secret } = await issue(accountId, 'enterprise');
  const caller = await keys.findCaller(secret);
  assert.deepEqual(caller, { accountId, accountKind: 'enterprise', keyId: key.id, scopes: new Set(defaultScopes('enterprise')) });
});

test('a secret is readable, unguessable, and kept only as a hash and four characters', async () => {
  const accountId = await newAccount('personal');
  const { key, secret } = await issue(accountId, 'personal');
  assert.match(secret, /^ak_[0-9A-Za-z]{43}$/);
  assert.equal(maskedKey(key), `ak_**********************${secret.slice(-4)}`);
  assert.equal(maskedKey(key).length, 29);
  const [row] = await connection.execute('select to_jsonb(api_key)::text as everything from enterprise.api_key where id = $1', [key.id]);
  assert.ok(!String(row?.['everything']).includes(secret.slice(3)));
});

test('unknown, malformed, expired and deleted secrets find nobody', async () => {
  const accountId = await newAccount('personal');
  const { key, secret } = await issue(accountId, 'personal');
  const expired = await issue(accountId, 'personal', new Date(Date.now() - 1));
  for (const wrong of ['', 'ak_', secret.slice(0, -1), `${secret}0`, ` ${secret}`, secret.replace(/.$/, secret.endsWith('x') ? 'y' : 'x'), expired.secret]) assert.equal(await keys.findCaller(wrong), null);
  assert.notEqual(await keys.findCaller(secret), null);
  await keys.delete(accountId, key.id);
  assert.equal(await keys.findCaller(secret), null);
});

test('a key that expires later works until then', async () => {
  const { secret } = await issue(await newAccount('personal'), 'personal', new Date(Date.now() + 3000));
  assert.notEqual(await keys.findCaller(secret), null);
  await until(async () => (await keys.findCaller(secret)) === null);
});

test('the list shows usable and expired keys, newest first, of one account only', async () => {
  const accountId = await newAccount('personal');
  const other = await newAccount('personal');
  const first = await issue(accountId, 'personal');
  const second = await issue(accountId, 'personal', new Date(0));
  const third = await issue(accountId, 'personal');
  await issue(other, 'personal');
  await keys.delete(accountId, first.key.id);
  assert.deepEqual((await keys.list(accountId)).map(({ id }) => id), [third.key.id, second.key.id]);
  assert.equal(await keys.find(other, third.key.id), null);
  await assert.rejects(keys.get(other, third.key.id), refused('NOT_FOUND'));
  await assert.rejects(keys.delete(other, third.key.id), refused('NOT_FOUND'));
  await assert.rejects(keys.delete(accountId, newKeyId()), refused('NOT_FOUND'));
});

test('an enterprise keeps its last usable key, also against two deletions at once', async () => {
  const accountId = await newAccount('enterprise');
  const expired = await issue(accountId, 'enterprise', new Date(0));
  const pair = [await issue(accountId, 'enterprise'), await issue(accountId, 'enterprise')];
  const outcomes = await Promise.allSettled(pair.map(({ key }) => keys.delete(accountId, key.id)));
  assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  const lost = outcomes.find((outcome) => outcome.status === 'rejected');
  assert.ok(refused('LAST_KEY')(lost?.reason));
  await keys.delete(accountId, expired.key.id);
  assert.equal((await keys.list(accountId)).length, 1);
});

test('of ten that are all deleted at once exactly one stays, whoever is signed in', async () => {
  const accountId = await newAccount('enterprise');
  const keysOfIt = await Promise.all(Array.from({ length: 10 }, () => issue(accountId, 'enterprise')));
  await keys.openSession({ accountId, accountKind: 'enterprise', userId: await newUser(), scopes: [], expiresAt: new Date(Date.now() + 60_000) });
  const outcomes = await Promise.allSettled(keysOfIt.map(({ key }) => keys.delete(accountId, key.id)));
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 9);
  assert.equal((await keys.list(accountId)).length, 1);
});

test('a session is found by its secret as a key is, and is none', async () => {
  const [accountId, userId] = [await newAccount('personal'), await newUser()];
  const { session, secret } = await keys.openSession({ accountId, accountKind: 'personal', userId, scopes: ['clients:read'], expiresAt: new Date(Date.now() + 60_000) });
  const caller = await keys.findCaller(secret);
  assert.deepEqual([caller?.accountId, caller?.keyId, [...caller?.scopes ?? []]], [accountId, session.id, ['clients:read']]);
  assert.deepEqual([await keys.list(accountId), await keys.find(accountId, session.id), (await keys.findCredential(accountId, session.id))?.isSession], [[], null, true]);
  await assert.rejects(keys.delete(accountId, session.id), refused('NOT_FOUND'));
  const heard: string[] = [];
  const stop = keys.onEnded((id) => heard.push(id));
  assert.deepEqual([await keys.endSessions(userId, { accountId: await newAccount('personal') }), await keys.endSessions(userId), await keys.endSessions(userId)], [0, 1, 0]);
  assert.deepEqual([heard, await keys.findCaller(secret)], [[session.id], null]);
  stop();
});

test('other accounts may delete their last key', async () => {
  for (const kind of ['personal', 'partner', 'organization'] as const) {
    const accountId = await newAccount(kind);
    const { key } = await issue(accountId, kind);
    await keys.delete(accountId, key.id);
    assert.deepEqual(await keys.list(accountId), []);
  }
});

test('scopes are a closed list, and only a partner may create businesses', async () => {
  assert.equal(allScopes.length, 23);
  assert.ok(!defaultScopes('enterprise').includes('partner:admin') && defaultScopes('partner').includes('partner:admin'));
  const accountId = await newAccount('personal');
  for (const scope of ['generations:delete', 'partner:admin', '']) {
    await assert.rejects(keys.issue({ accountId, accountKind: 'personal', name: 'k', scopes: [scope], expiresAt: null }), refused('VALIDATION'));
  }
});

test('the last use is written lazily, at most once a minute, and not lost at the end', async (t) => {
  const accountId = await newAccount('personal');
  const { key, secret } = await issue(accountId, 'personal');
  const others = await createKeys(connection);
  let closed = false;
  t.after(async () => { if (!closed) await others.close(); });
  assert.equal((await keys.get(accountId, key.id)).lastUsedAt, null);
  const before = Date.now();
  for (let use = 0; use < 5; use++) await others.findCaller(secret);
  await others.close();
  closed = true;
  const { lastUsedAt } = await keys.get(accountId, key.id);
  assert.ok(lastUsedAt && lastUsedAt.getTime() >= before && lastUsedAt.getTime() <= Date.now());
  await keys.findCaller(secret);
  await keys.close();
  assert.deepEqual((await keys.get(accountId, key.id)).lastUsedAt, lastUsedAt);
});

test('a deletion is heard once, after its commit', async () => {
  const accountId = await newAccount('personal');
  const { key } = await issue(accountId, 'personal');
  const heard: string[] = [];
  const stop = keys.onEnded((id) => heard.push(id));
  await connection.transaction(async () => {
    await keys.delete(accountId, key.id);
    assert.deepEqual(heard, []);
    throw new Error('rolled back');
  }).catch(() => {});
  assert.deepEqual(heard, []);
  await keys.delete(accountId, key.id);
  assert.deepEqual(heard, [key.id]);
  stop();
});

test('a deletion is effective on another replica before it answers, and is heard there', { skip: !onPostgres }, async (t) => {
  const url = await createTestDatabase(t);
  const [here, there] = [await openAnother(t, url), await openAnother(t, url)];
  await migrate(here, 'enterprise', enterpriseMigrations);
  const [keysHere, keysThere] = [await createKeys(here), await createKeys(there)];
  const accountId = await createAccounts(here).createAccount({ kind: 'personal', name: 'N' });
  const { key, secret } = await keysHere.issue({ accountId, accountKind: 'personal', name: 'k', scopes: [], expiresAt: null });
  assert.notEqual(await keysThere.findCaller(secret), null);
  const heard: string[] = [];
  keysThere.onEnded((id) => heard.push(id));
  await keysHere.delete(accountId, key.id);
  assert.equal(await keysThere.findCaller(secret), null);
  await until(() => heard.length > 0);
  const userId = await newUser(here);
  const signedIn = await keysHere.openSession({ accountId, accountKind: 'personal', userId, scopes: [], expiresAt: new Date(Date.now() + 60_000) });
  assert.notEqual(await keysThere.findCaller(signedIn.secret), null);
  await keysHere.endSessions(userId);
  assert.equal(await keysThere.findCaller(signedIn.secret), null);
  await until(() => heard.includes(signedIn.session.id));
  // Whoever missed the notification finds out when its listening connection comes back.
  const second = await keysHere.issue({ accountId, accountKind: 'personal', name: 'k', scopes: [], expiresAt: null });
  await keysThere.findCaller(second.secret);
  await here.execute(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'lookgraph listener' and datname = current_database()`);
  await keysHere.delete(accountId, second.key.id);
  await until(() => heard.includes(second.key.id));
  await Promise.all([keysHere.close(), keysThere.close()]);
});
