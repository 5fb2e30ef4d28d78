import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { buildSchema, getNamedType, isAbstractType, isObjectType, parse } from 'graphql';
import { apiSdl, subgraphNames, subgraphSdl } from '../../schema/sdl.ts';
import { allScopes } from '../../subgraphs/keys.ts';
import { type Alternatives, declaredScopes, hasScopes } from '../../subgraphs/scopes.ts';
import { smallPortrait } from '../support/photos.ts';
import { startTestPlatform } from '../support/platform.ts';
import { addClient, addPhoto, openBusiness } from '../support/salon.ts';

const api = buildSchema(apiSdl());

/** What each field asks for, by `Type.field`, read from the subgraphs' own SDL. */
const asked = new Map<string, Alternatives[]>();
for (const type of subgraphNames.flatMap((name) => parse(subgraphSdl(name)).definitions)) {
  if (!('fields' in type) || !('name' in type) || !type.name) continue;
  const own = api.getType(type.name.value);
  const places = [type.name.value, ...isAbstractType(own) ? api.getPossibleTypes(own).map(({ name }) => name) : []];
  for (const field of type.fields ?? []) for (const place of places) asked.set(`${place}.${field.name.value}`, [...asked.get(`${place}.${field.name.value}`) ?? [], ...declaredScopes({ astNode: field })]);
}

/** What the token of a link opens, whatever the key: the person's own. */
const ofGuests = new Set(['Onboarding', 'OnboardingEvent']);

/** Every type that a key with these scopes can get to, with the way there. */
function reached(scopes: ReadonlySet<string>): Map<string, string> {
  const ways = new Map(['Query', 'Mutation', 'Subscription'].map((root) => [root, root]));
  // What is added while it is walked is walked too.
  for (const [name, way] of ways) {
    const type = api.getType(name);
    const next = isAbstractType(type) ? api.getPossibleTypes(type).map((possible) => [possible.name, way] as const) : !isObjectType(type) ? [] : Object.values(type.getFields())
      .filter((field) => (asked.get(`${name}.${field.name}`) ?? []).every((alternatives) => hasScopes(alternatives, scopes)))
      .map((field) => [getNamedType(field.type).name, `${way}.${field.name}`] as const);
    for (const [to, by] of next) if (!ways.has(to) && !ofGuests.has(to)) ways.set(to, by);
  }
  return ways;
}

describe('whichever way is taken, without the scopes of a resource nothing of it is reached', () => {
  const kept: Record<string, readonly string[]> = {
    clients: ['Client', 'ClientMedia', 'Erasure'],
    generations: ['HairstyleGeneration', 'GenerationImage', 'SourceImage', 'GenerationEvent', 'GenerationFeedEvent'],
    skinshade: ['SkinShadeReading', 'SkinShadeUsage'],
    organization: ['CreditBalance', 'CreditUsage', 'LedgerEntry', 'Member'],
    logs: ['ApiLog'],
    invites: ['Invite', 'InviteResult'],
    teams: ['TeamMember', 'MemberConnection'],
    models: ['HeadshotModel', 'HeadshotEvent', 'HeadshotModelConnection'],
    photos: ['HeadshotPhoto', 'PhotoUrls', 'HeadshotGallery', 'HeadshotPerson'],
  };
  for (const [resource, types] of Object.entries(kept)) {
    test(resource, () => {
      const ways = reached(new Set(allScopes.filter((scope) => !scope.startsWith(`${resource}:`))));
      assert.deepEqual(types.flatMap((type) => ways.get(type) ?? []), []);
      const all = reached(new Set(allScopes));
      assert.deepEqual(types.filter((type) => !all.has(type)), [], 'with every scope all of it is reached');
    });
  }
});

test('a key for pictures alone learns nothing of the client, and one for shades alone nothing of client and photo', async (t) => {
  const platform = await startTestPlatform(t);
  const partner = await platform.tenant({ kind: 'partner' });
  const salon = await openBusiness(platform, partner.key);
  const client = await addClient(platform, salon, { email: 'jane@example.com', name: 'Jane' });
  await addPhoto(platform, salon, client, await smallPortrait(300));
  const { body: { data: { id: imageId } } } = await platform.upload(salon.key, await smallPortrait(300));
  const job = await platform.generate(salon.key, { mode: 'test', styles: ['817941'], image_name: 'me.jpg', client_id: client });
  const { detectSkinShade: { reading } } = await platform.gql<{ detectSkinShade: { reading: { id: string } } }>(salon.key, 'mutation ($input: DetectSkinShadeInput!) { detectSkinShade(input: $input) { reading { id } } }', { input: { imageId, clientId: client } });
  const keyWith = async (...scopes: string[]): Promise<string> => (await platform.rest<{ data: { api_key: string } }>(salon.at('api-keys'), { key: salon.key, json: { name: 'small', scopes } })).body.data.api_key;
  type Seen = { data: unknown; errors: { path: string[]; extensions: { code: string } }[] };
  const see = async (key: string, query: string) => {
    const { body } = await platform.rest<Seen>('/graphql', { key, json: { query } });
    return { data: body.data, refused: body.errors.map(({ path, extensions: { code } }) => [path.join('.'), code]) };
  };
  assert.deepEqual(await see(await keyWith('generations:read'), `{ made: hairstyleGeneration(id: "${job}") { mode client { email media { nodes { fileUrl } } } } }`), {
    data: { made: { mode: 'TEST', client: null } }, refused: [['made.client', 'FORBIDDEN']],
  });
  assert.deepEqual(await see(await keyWith('skinshade:read'), `{ read: skinShadeReading(id: "${reading.id}") { undertone client { email } image { url } } }`).then(({ data, refused }) => [JSON.stringify(data).includes('"client":null,"image":null'), refused.sort()]), [
    true, [['read.client', 'FORBIDDEN'], ['read.image', 'FORBIDDEN']],
  ]);
  await platform.ended(salon.key, job);
});
