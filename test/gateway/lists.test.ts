import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { buildSchema, getNamedType, getNullableType, isInterfaceType, isLeafType, isListType, isObjectType } from 'graphql';
import { apiSdl } from '../../schema/sdl.ts';
import { openOrganization } from '../support/organization.ts';
import { startTestPlatform } from '../support/platform.ts';

const api = buildSchema(apiSdl());

/** Lists of objects that cannot grow, and what keeps them from it. */
const small: Record<string, string> = {
  'CreateImageUploadPayload.headers': 'what one upload has to send', 'Erasure.removed': 'one for each kind of thing in four subgraphs', 'HairstyleGeneration.images': 'one for each style', 'HairstyleGeneration.styles': 'at most 8 were asked for',
  'InvitesPayload.results': 'one for each address that the caller sent', 'Onboarding.photos': 'at most 16 are made', 'Onboarding.selfies': 'at most 20 are kept', 'Selfie.checks': 'one of each kind', 'Viewer.rateLimits': 'one for each limit',
  'WebhookAttempt.headers': 'what one message is sent with',
};

type Listed = { place: string; owner: string; name: string; isConnection: boolean; takesFirst: boolean };
const lists = Object.values(api.getTypeMap()).flatMap((type): Listed[] => {
  if (type.name.startsWith('__') || !isObjectType(type) && !isInterfaceType(type)) return [];
  return Object.values(type.getFields()).flatMap((field): Listed[] => {
    const named = getNamedType(field.type);
    const isConnection = named.name.endsWith('Connection');
    if (!isConnection && !isListType(getNullableType(field.type)) || isLeafType(named)) return [];
    // They are the page that their connection was asked for; what a mutation refuses is a few sentences.
    if (type.name.endsWith('Connection') || field.name === 'errors') return [];
    return [{ place: `${type.name}.${field.name}`, owner: type.name, name: field.name, isConnection, takesFirst: field.args.some(({ name }) => name === 'first') }];
  });
});

test('every list of the graph takes `first`, but for those that cannot grow', () => {
  assert.ok(lists.length > 40, `${lists.length} lists`);
  assert.deepEqual(lists.filter(({ takesFirst }) => !takesFirst).map(({ place }) => place).toSorted(), Object.keys(small).toSorted());
});

describe('at most 100 at once', async () => {
  const platform = await startTestPlatform({ after }, { workers: 0 });
  const acme = await openOrganization(platform);
  const keys = { PersonalAccount: (await platform.tenant()).key, Enterprise: (await platform.tenant({ kind: 'enterprise' })).key, PartnerAccount: (await platform.tenant({ kind: 'partner' })).key, Organization: acme.key };
  type Refused = { errors?: { message: string; path: string[]; extensions: { code: string } }[] };
  const refusedOf = async (key: string | null, query: string) => (await platform.rest<Refused>('/graphql', { key, json: { query } })).body.errors?.map(({ message, extensions }) => [message, extensions.code]);
  const below = (name: string, isConnection: boolean, first: number) => `${name}(first: ${first}) { ${isConnection ? 'pageInfo { hasNextPage }' : '__typename'} }`;

  for (const [type, key] of Object.entries(keys)) {
    for (const { name, isConnection } of lists.filter(({ owner, takesFirst }) => owner === type && takesFirst)) {
      test(`${type}.${name}`, async () => {
        const query = (first: number) => `{ viewer { account { ... on ${type} { ${below(name, isConnection, first)} } } } }`;
        assert.equal(await refusedOf(key, query(100)), undefined);
        for (const first of [101, 0, -1]) assert.deepEqual(await refusedOf(key, query(first)), [['first must be a whole number from 1 to 100', 'VALIDATION']]);
      });
    }
  }

  for (const { name, isConnection } of lists.filter(({ owner, takesFirst }) => owner === 'Query' && takesFirst)) {
    test(`Query.${name}`, async () => {
      assert.equal(await refusedOf(null, `{ ${below(name, isConnection, 100)} }`), undefined);
      assert.deepEqual(await refusedOf(null, `{ ${below(name, isConnection, 101)} }`), [['first must be a whole number from 1 to 100', 'VALIDATION']]);
    });
  }

  test('a list that is no connection gives the part that is asked for', async () => {
    const { hairColors: all } = await platform.gql<{ hairColors: { id: string }[] }>(null, '{ hairColors { id } }');
    const part = await platform.gql(null, '{ a: hairColors(first: 2) { id } b: hairColors(first: 3, offset: 2) { id } c: hairColors(offset: 1000) { id } }');
    assert.deepEqual(part, { a: all.slice(0, 2), b: all.slice(2, 5), c: [] });
  });

  test('REST gives what it documents: all teams, all keys, and up to 200 members', async () => {
    const { connection, keys: store } = platform.platform;
    const names = Array.from({ length: 130 }, (_, index) => `Team ${String(index).padStart(3, '0')}`);
    for (const name of names) await acme.ok('POST', '/teams', { name });
    const { teams } = await acme.ok<{ teams: { name: string }[] }>('GET', '/teams');
    assert.deepEqual(teams.map(({ name }) => name), names);
    assert.deepEqual((await acme.ok<{ organization: { teams: object[] } }>('GET', '')).organization.teams, teams);
    await platform.platform.credits.grant(acme.accountId, 300, 'test');
    const emails = Array.from({ length: 230 }, (_, index) => `p${String(index).padStart(3, '0')}@example.com`);
    await platform.gql(acme.key, 'mutation ($emails: [String!]) { createInvites(input: { emails: $emails }) { errors { message } } }', { emails });
    const members = async (query: string) => acme.ok<{ members: { email: string }[]; pagination: object }>('GET', `/team?${query}`);
    const [whole, rest, middle] = [await members('limit=200'), await members('limit=200&offset=200'), await members('limit=150&offset=30')];
    assert.deepEqual([whole.members.length, whole.pagination], [200, { total: 230, limit: 200, offset: 0, hasMore: true }]);
    assert.deepEqual([rest.members.length, rest.pagination], [30, { total: 230, limit: 200, offset: 200, hasMore: false }]);
    assert.equal(new Set([...whole.members, ...rest.members].map(({ email }) => email)).size, 230);
    assert.deepEqual(middle.members, [...whole.members, ...rest.members].slice(30, 180));
    const salon = await platform.tenant({ kind: 'enterprise' });
    await connection.transaction(async () => {
      for (let index = 0; index < 199; index++) await store.issue({ accountId: salon.accountId, accountKind: 'enterprise', name: `Key ${index}`, scopes: ['clients:read'], expiresAt: null });
    });
    const { viewer } = await platform.gql<{ viewer: { account: { slug: string } } }>(salon.key, '{ viewer { account { ... on Enterprise { slug } } } }');
    const { body } = await platform.rest<{ data: { id: string }[] }>(`/api/v1/enterprise/${viewer.account.slug}/api-keys`, { key: salon.key });
    assert.equal(new Set(body.data.map(({ id }) => id)).size, 200);
  });
});
