import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { parse } from 'graphql';
import { createClients } from '../../../subgraphs/clients.ts';
import { createCredits } from '../../../subgraphs/credits.ts';
import type { Connection } from '../../../subgraphs/database.ts';
import { createAccounts, createEnterprise, type NewAccount } from '../../../subgraphs/enterprise/index.ts';
import { clientKeys, isSlug } from '../../../subgraphs/enterprise/rules.ts';
import { type AccountId, newClientId, newGenerationId } from '../../../subgraphs/ids.ts';
import { parseEnvironment } from '../../../subgraphs/env.ts';
import { createErasures } from '../../../subgraphs/erasures.ts';
import { createJobs } from '../../../subgraphs/jobs.ts';
import { createKeys, defaultScopes } from '../../../subgraphs/keys.ts';
import { createLog } from '../../../subgraphs/log.ts';
import { createMail } from '../../../subgraphs/mail.ts';
import type { Platform } from '../../../subgraphs/platform.ts';
import { createKeptAnswers } from '../../../subgraphs/kept-answers.ts';
import { createOutbound } from '../../../subgraphs/outbound.ts';
import { createQuotas } from '../../../subgraphs/quotas.ts';
import { createRates } from '../../../subgraphs/rates.ts';
import { createRequests } from '../../../subgraphs/requests.ts';
import { createWebhooks } from '../../../subgraphs/webhooks.ts';
import type { Caller } from '../../../subgraphs/subgraph.ts';
import { openTestConnection } from '../../support/database.ts';

const connection = await openTestConnection({ after });
let statements = 0;
const counted: Connection = { ...connection, store: <Tables>(schema: string) => {
  const store = connection.store<Tables>(schema);
  return () => {
    statements++;
    return store();
  };
} };
const keys = await createKeys(counted);
after(() => keys.close());
const credits = createCredits(counted);
const jobs = createJobs(counted, { onError: (error) => assert.fail(String(error)) });
const erasures = createErasures(counted, jobs);
const env = parseEnvironment({ NODE_ENV: 'test' });
const mail = createMail({ env, jobs, log: createLog('silent') });
const webhooks = createWebhooks({ connection: counted, jobs, outbound: createOutbound({ allow: [] }), log: createLog('silent') });
// What is asked here needs nothing else of the platform.
const subgraph = await createEnterprise({ connection: counted, env, jobs, keys, credits, erasures, mail, quotas: createQuotas(counted), rates: createRates(counted, { perMinute: 600 }), answers: createKeptAnswers(counted, { secret: () => 'a secret of the test', keptMs: 86_400_000 }), requests: createRequests(counted, { keptMs: 86_400_000 }), webhooks } as Platform);
const accounts = createAccounts(connection);

type Someone = { id: AccountId; caller: Caller; secret: string };

async function someone(account: NewAccount, amount = 0): Promise<Someone> {
  return connection.transaction(async () => {
    const id = await accounts.createAccount(account);
    if (amount > 0) await credits.grant(id, amount, 'welcome');
    const { key, secret } = await keys.issue({ accountId: id, accountKind: account.kind, name: 'first', scopes: defaultScopes(account.kind), expiresAt: null });
    return { id, secret, caller: { accountId: id, accountKind: account.kind, keyId: key.id, scopes: new Set(key.scopes) } };
  });
}

const ann = await someone({ kind: 'personal', name: 'Ann' }, 10);
const salon = await someone({ kind: 'enterprise', name: 'Salon', slug: 'salon-one', businessType: 'HAIR_CLINIC' }, 100);
const rival = await someone({ kind: 'enterprise', name: 'Rival', slug: 'rival', businessType: 'BARBER' });
const team = await someone({ kind: 'organization', name: 'Team', website: 'https://team.example/' });

/** Data, or the errors when there are any. */
async function ask(caller: Caller | null, source: string, variables: Record<string, unknown> = {}): Promise<unknown> {
  const { data, errors } = await subgraph.execute({ document: parse(source), variables, request: { caller, requestId: 'r' } });
  if (errors) return { errors: errors.map(({ message, path, extensions }) => ({ message, path, code: extensions['code'] })) };
  return JSON.parse(JSON.stringify(data)) as unknown;
}
const entities = (caller: Caller | null, selection: string, representations: object[]): Promise<unknown> =>
  ask(caller, `query ($r: [_Any!]!) { _entities(representations: $r) { __typename ${selection} } }`, { r: representations });
const create = (caller: Caller, input: object): Promise<unknown> =>
  ask(caller, 'mutation ($input: CreateClientInput!) { createClient(input: $input) { client { id email name phoneNumber source enterprise { slug } } errors { __typename code message path ... on ConflictError { existingId } } } }', { input });
const idOf = (answer: unknown): string => (answer as { createClient: { client: { id: string } } }).createClient.client.id;

test('the viewer is whoever the key belongs to', async () => {
  const caller = await keys.findCaller(ann.secret);
  assert.deepEqual(await ask(caller, '{ viewer { account { __typename id name credits { available reserved } } key { name status masked } scopes } }'), {
    viewer: {
      account: { __typename: 'PersonalAccount', id: ann.id, name: 'Ann', credits: { available: 10, reserved: 0 } },
      key: { name: 'first', status: 'ACTIVE', masked: `ak_**********************${ann.secret.slice(-4)}` },
      scopes: [...defaultScopes('personal')].sort(),
    },
  });
  assert.deepEqual(await ask(null, '{ viewer { scopes } }'), { errors: [{ message: 'No API key provided', path: ['viewer'], code: 'UNAUTHENTICATED' }] });
});

test('each kind of account has what is its own', async () => {
  const fields = '{ viewer { account { __typename createdAt ... on Enterprise { slug businessType } ... on Organization { website } } } }';
  const of = async ({ caller }: Someone): Promise<Record<string, unknown>> => {
    const { viewer: { account: { createdAt, ...rest } } } = (await ask(caller, fields)) as { viewer: { account: Record<string, unknown> } };
    assert.ok(Date.parse(String(createdAt)) > 0);
    return rest;
  };
  assert.deepEqual(await of(salon), { __typename: 'Enterprise', slug: 'salon-one', businessType: 'HAIR_CLINIC' });
  assert.deepEqual(await of(team), { __typename: 'Organization', website: 'https://team.example/' });
});

test('an account is found by its id alone, as an interface, and comes back as what it is', async () => {
  assert.deepEqual(await entities(salon.caller, '... on Enterprise { name slug }', [{ __typename: 'Account', id: salon.id }]), {
    _entities: [{ __typename: 'Enterprise', name: 'Salon', slug: 'salon-one' }],
  });
});

test('foreign, unknown and malformed references are null', async () => {
  const foreign = [
    { __typename: 'Account', id: rival.id }, { __typename: 'Enterprise', id: rival.id }, { __typename: 'Enterprise', slug: 'rival' },
    { __typename: 'Enterprise', slug: 'nobody' }, { __typename: 'PersonalAccount', id: salon.id }, { __typename: 'Account', id: 'x' },
    { __typename: 'Client', id: idOf(await create(rival.caller, { email: 'theirs@example.com' })) }, { __typename: 'Client', id: newClientId() }, { __typename: 'Client', id: '1' },
    { __typename: 'ApiKey', id: rival.caller.keyId }, { __typename: 'HairstyleGeneration', id: 'x' },
  ];
  const nothing = { _entities: foreign.map(() => null) };
  assert.deepEqual(await entities(salon.caller, '', foreign), nothing);
  assert.deepEqual(await entities(null, '', [...foreign, { __typename: 'Account', id: salon.id }]), { _entities: [...foreign, 0].map(() => null) });
});

test('own references are found, each as its type', async () => {
  const client = idOf(await create(salon.caller, { email: 'own@example.com' }));
  const own = [{ __typename: 'Enterprise', slug: 'salon-one' }, { __typename: 'Enterprise', id: salon.id }, { __typename: 'Client', id: client }, { __typename: 'ApiKey', id: salon.caller.keyId }];
  assert.deepEqual(await entities(salon.caller, '... on Enterprise { id } ... on Client { enterprise { id } email } ... on ApiKey { name }', own), {
    _entities: [
      { __typename: 'Enterprise', id: salon.id }, { __typename: 'Enterprise', id: salon.id },
      { __typename: 'Client', email: 'own@example.com', enterprise: { id: salon.id } }, { __typename: 'ApiKey', name: 'first' },
    ],
  });
});

test('a client is kept as it was given, with `api` as its source', async () => {
  const answer = await create(salon.caller, { email: 'Bea@Example.com', name: 'Bea', phoneNumber: '+46 (0)70-123 45 67' });
  assert.deepEqual(answer, { createClient: { client: {
    id: idOf(answer), email: 'Bea@Example.com', name: 'Bea', phoneNumber: '+46 (0)70-123 45 67', source: 'api', enterprise: { slug: 'salon-one' },
  }, errors: [] } });
  assert.match(idOf(answer), /^client_[0-9A-Z]{26}$/);
});

test('e-mail and phone are unique within a business, however they are written, and the answer names who has them', async () => {
  const existing = idOf(await create(salon.caller, { email: 'cecil@example.com', phoneNumber: '+46701112233' }));
  const conflict = (field: string, message: string) => ({ createClient: { client: null, errors: [{ __typename: 'ConflictError', code: 'CONFLICT', message, path: ['input', field], existingId: existing }] } });
  assert.deepEqual(await create(salon.caller, { email: 'CECIL@example.COM' }), conflict('email', 'Client with this email already exists for this enterprise'));
  assert.deepEqual(await create(salon.caller, { phoneNumber: '+46 70 111-22 33' }), conflict('phoneNumber', 'Client with this phone number already exists for this enterprise'));
  assert.deepEqual(await create(salon.caller, { email: 'other@example.com', phoneNumber: '+46-70-1112233' }), conflict('phoneNumber', 'Client with this phone number already exists for this enterprise'));
  assert.ok(idOf(await create(salon.caller, { phoneNumber: '46701112233' })), 'without the plus it is another number');
  assert.ok(idOf(await create(rival.caller, { email: 'cecil@example.com', phoneNumber: '+46701112233' })), 'another business may have the same client');
});

test('of clients created at once with one address exactly one is', async () => {
  const answers = await Promise.all(Array.from({ length: 8 }, () => create(salon.caller, { email: 'race@example.com' })));
  const created = answers.filter((answer) => (answer as { createClient: { client: unknown } }).createClient.client !== null);
  assert.equal(created.length, 1);
});

test('input that breaks a rule is refused with the place', async () => {
  const refused = async (input: object): Promise<unknown> => ((await create(salon.caller, input)) as { createClient: { errors: [{ code: string; path: string[] }] } }).createClient.errors.map(({ code, path }) => [code, path]);
  assert.deepEqual(await refused({}), [['VALIDATION', ['input']]]);
  assert.deepEqual(await refused({ email: 'a@b.example', name: ' ' }), [['VALIDATION', ['input', 'name']]]);
  assert.deepEqual(await refused({ email: 'a@b.example', source: 'x'.repeat(65) }), [['VALIDATION', ['input', 'source']]]);
  assert.deepEqual(await create(ann.caller, { email: 'a@b.example' }), { createClient: { client: null, errors: [{ __typename: 'ValidationError', code: 'FORBIDDEN', message: 'Only an enterprise has clients', path: null }] } });
});

test('clients read newest first, page by page, with their number and a search in the address', async () => {
  const shop = await someone({ kind: 'enterprise', name: 'Shop', slug: 'shop', businessType: 'SALON' });
  for (let index = 0; index < 7; index++) await create(shop.caller, { email: `client${index}@${index % 2 ? 'odd' : 'EVEN'}.example` });
  const page = async (args: string): Promise<{ emails: string[]; pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; endCursor: string | null }; totalCount: number }> => {
    const answer = (await ask(shop.caller, `{ viewer { account { ... on Enterprise { clients(${args}) { nodes { email } edges { cursor } pageInfo { hasNextPage hasPreviousPage endCursor } totalCount } } } } }`)) as
      { viewer: { account: { clients: { nodes: { email: string }[]; edges: { cursor: string }[]; pageInfo: never; totalCount: number } } } };
    const { nodes, edges, pageInfo, totalCount } = answer.viewer.account.clients;
    assert.equal(edges.length, nodes.length);
    return { emails: nodes.map(({ email }) => email.charAt(6)), pageInfo, totalCount };
  };
  const first = await page('first: 3');
  assert.deepEqual([first.emails, first.totalCount, first.pageInfo.hasNextPage, first.pageInfo.hasPreviousPage], [['6', '5', '4'], 7, true, false]);
  const rest = await page(`first: 100, after: "${first.pageInfo.endCursor}"`);
  assert.deepEqual([rest.emails, rest.pageInfo.hasNextPage, rest.pageInfo.hasPreviousPage], [['3', '2', '1', '0'], false, true]);
  const even = await page('search: "@even"');
  assert.deepEqual([even.emails, even.totalCount], [['6', '4', '2', '0'], 4]);
  assert.deepEqual((await page('search: "%"')).emails, []);
});

test('a page is 1 to 100, and only our own cursors go on', async () => {
  for (const args of ['first: 0', 'first: 101', 'first: -1', 'after: "x"', `after: "${Buffer.from('c1').toString('base64url')}"`]) {
    const { errors } = (await ask(salon.caller, `{ viewer { account { ... on Enterprise { clients(${args}) { totalCount } } } } }`)) as { errors: { code: string }[] };
    assert.deepEqual(errors.map(({ code }) => code), ['VALIDATION'], args);
  }
});

test('a client is found by id within its business only', async () => {
  const own = idOf(await create(salon.caller, { email: 'dora@example.com' }));
  const find = (who: Someone): Promise<unknown> => ask(who.caller, `{ viewer { account { ... on Enterprise { client(id: "${own}") { email } } } } }`);
  assert.deepEqual(await find(salon), { viewer: { account: { client: { email: 'dora@example.com' } } } });
  assert.deepEqual(await find(rival), { viewer: { account: { client: null } } });
  const clients = createClients(connection);
  assert.equal((await clients.findClient(salon.id, own as never))?.email, 'dora@example.com');
  assert.equal(await clients.findClient(rival.id, own as never), null);
});

test('the books of an account and of a job can be read by their owner only', async () => {
  const job = newGenerationId();
  await credits.reserve(salon.id, job, 3, 'three pictures');
  await credits.consume(job);
  const charges = (caller: Caller): Promise<unknown> => entities(caller, '... on HairstyleGeneration { charges { kind amount reason jobId } }', [{ __typename: 'HairstyleGeneration', id: job }]);
  const lines = [{ kind: 'RESERVE', amount: 3, reason: 'three pictures', jobId: job }, { kind: 'CONSUME', amount: 3, reason: 'three pictures', jobId: job }];
  assert.deepEqual(await charges(salon.caller), { _entities: [{ __typename: 'HairstyleGeneration', charges: lines }] });
  assert.deepEqual(await charges(rival.caller), { _entities: [{ __typename: 'HairstyleGeneration', charges: [] }] });
  assert.deepEqual(await ask(salon.caller, '{ viewer { account { credits { available reserved ledger(first: 2) { nodes { kind amount jobId } pageInfo { hasNextPage } } } } } }'), {
    viewer: { account: { credits: { available: 97, reserved: 0, ledger: { nodes: [{ kind: 'CONSUME', amount: 3, jobId: job }, { kind: 'RESERVE', amount: 3, jobId: job }], pageInfo: { hasNextPage: true } } } } },
  });
});

test('a page of many clients costs as many statements as a page of one', async () => {
  const shop = await someone({ kind: 'enterprise', name: 'Big', slug: 'big', businessType: 'SALON' });
  const cost = async (): Promise<number> => {
    statements = 0;
    await ask(shop.caller, '{ viewer { account { ... on Enterprise { apiKeys { id } clients(first: 100) { totalCount nodes { email enterprise { name credits { available } apiKeys { id } } } } } } } }');
    return statements;
  };
  await create(shop.caller, { email: 'a0@big.example' });
  const one = await cost();
  for (let index = 1; index < 30; index++) await create(shop.caller, { email: `a${index}@big.example` });
  assert.equal(await cost(), one);
  assert.ok(one <= 5, `${one} statements`);
  statements = 0;
  await entities(shop.caller, '... on HairstyleGeneration { charges { id } }', Array.from({ length: 50 }, () => ({ __typename: 'HairstyleGeneration', id: newGenerationId() })));
  assert.equal(statements, 1);
});

test('accounts are created whole or not at all', async () => {
  await assert.rejects(accounts.createAccount({ kind: 'enterprise', name: 'X', slug: 'salon-one', businessType: 'SALON' }), { code: 'CONFLICT' });
  for (const wrong of [{ kind: 'enterprise', name: 'X' }, { kind: 'enterprise', name: 'X', slug: 'a b', businessType: 'SALON' }, { kind: 'personal', name: 'X', slug: 'x-y' }, { kind: 'personal', name: ' ' }] as const) {
    await assert.rejects(accounts.createAccount(wrong), { code: 'VALIDATION' });
  }
});

test('rules', () => {
  assert.deepEqual(clientKeys({ email: ' A@B.c ', phoneNumber: '(0) 12-3' }), { emailKey: 'a@b.c', phoneKey: '0123' });
  assert.ok(isSlug('a1-b') && !isSlug('ab') && !isSlug('-ab') && !isSlug('a--b') && !isSlug('Abc') && !isSlug('a'.repeat(65)));
});
