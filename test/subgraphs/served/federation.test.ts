import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { composeServices } from '@theguild/federation-composition';
import { Kind, parse } from 'graphql';
import { subgraphNames, type SubgraphName, subgraphSdl, supergraphSdl } from '../../../schema/sdl.ts';
import { createStore } from '../../../subgraphs/headshot/store.ts';
import { newClientId, newImageId, newPhotoId, newPictureId, parseModelId, parseUploadId } from '../../../subgraphs/ids.ts';
import type { Caller } from '../../../subgraphs/subgraph.ts';
import { serveAlone } from '../../support/alone.ts';
import { until } from '../../support/database.ts';
import { smallPortrait } from '../../support/photos.ts';

type Alone = Awaited<ReturnType<typeof serveAlone>>;
type Entity = { __typename: string } & Record<string, unknown>;
/** Who asks, and one representation of each entity that exists for them, by the type that answers. */
type Furnished = { caller: Caller; entities: Record<string, Entity> };

/** The first field of an answer without errors. */
async function get<Data>(alone: Alone, caller: Caller | null, query: string, variables: object = {}): Promise<Data> {
  const { status, body } = await alone.ask(caller, query, variables);
  assert.deepEqual([status, body.errors], [200, undefined], query);
  return Object.values(body.data ?? {})[0] as Data;
}

async function upload({ platform }: Alone, { accountId }: Caller): Promise<string> {
  const photo = await smallPortrait(300);
  const { uploadId } = await platform.blobs.stage(accountId, photo.byteLength);
  await platform.blobs.putStaged(accountId, parseUploadId(uploadId) ?? uploadId, (async function* () { yield photo; })(), 1_000_000);
  return uploadId;
}

const furnish: Record<SubgraphName, (alone: Alone) => Promise<Furnished>> = {
  async enterprise(alone) {
    const [{ caller: partner }, { caller: person }, { caller: organization }] = [await alone.account('partner'), await alone.account(), await alone.account('organization')];
    const made = await get<{ secret: string; enterprise: { id: string; slug: string; owner: null }; widget: { id: string } }>(alone, partner,
      'mutation { createEnterprise(input: { businessName: "Salon", businessType: SALON, ownerEmail: "o@example.com" }) { secret enterprise { id slug } widget { id } errors { message } } }');
    const caller = await alone.platform.keys.findCaller(made.secret);
    assert.ok(caller);
    const client = async (email: string) => (await get<{ client: { id: string } }>(alone, caller, 'mutation ($email: EmailAddress!) { createClient(input: { email: $email }) { client { id } } }', { email })).client.id;
    const clientId = await client('jane@example.com');
    const added = await get<{ media: { id: string } }>(alone, caller, 'mutation ($clientId: ID!, $uploadId: ID!) { addClientMedia(clientId: $clientId, input: { uploadId: $uploadId }) { media { id } errors { message } } }', { clientId, uploadId: await upload(alone, caller) });
    const erased = await get<{ erasure: { id: string } }>(alone, caller, 'mutation ($id: ID!) { eraseClient(id: $id) { erasure { id } } }', { id: await client('joe@example.com') });
    const [{ owner }] = await get<[{ owner: { id: string } }]>(alone, caller, 'query ($of: [_Any!]!) { _entities(representations: $of) { ... on Enterprise { owner { id } } } }', { of: [{ __typename: 'Enterprise', id: caller.accountId }] });
    return { caller, entities: {
      Enterprise: { __typename: 'Account', id: caller.accountId }, PersonalAccount: { __typename: 'PersonalAccount', id: person.accountId }, Organization: { __typename: 'Organization', id: organization.accountId },
      PartnerAccount: { __typename: 'PartnerAccount', id: partner.accountId }, Widget: { __typename: 'Widget', id: made.widget.id }, User: { __typename: 'User', id: owner.id }, Client: { __typename: 'Client', id: clientId },
      ClientMedia: { __typename: 'ClientMedia', id: added.media.id }, Erasure: { __typename: 'Erasure', id: erased.erasure.id }, ApiKey: { __typename: 'ApiKey', id: caller.keyId },
      HairstyleGeneration: { __typename: 'HairstyleGeneration', id: 'gen_01K0000000000000000000000A' },
    } };
  },
  async hairstyle(alone) {
    const { caller } = await alone.account();
    const { image } = await get<{ image: { id: string } }>(alone, caller, 'mutation ($id: ID!) { createImage(input: { uploadId: $id }) { image { id } errors { message } } }', { id: await upload(alone, caller) });
    const { generation } = await get<{ generation: { id: string } }>(alone, caller, 'mutation ($id: ID!) { generateHairstyle(input: { gender: UNISEX, styleIds: ["817941"], imageId: $id }) { generation { id } errors { message } } }', { id: image.id });
    // Its jobs run here: nobody else could.
    const picture = await until(async () => {
      const { images } = await get<{ images: { id: string }[] }>(alone, caller, 'query ($id: ID!) { hairstyleGeneration(id: $id) { images { id } } }', { id: generation.id });
      return images[0] ?? null;
    });
    return { caller, entities: {
      Hairstyle: { __typename: 'Hairstyle', id: '817941' }, HairColor: { __typename: 'HairColor', id: 'color_101' }, SourceImage: { __typename: 'SourceImage', id: image.id },
      HairstyleGeneration: { __typename: 'HairstyleGeneration', id: generation.id }, GenerationImage: { __typename: 'GenerationImage', id: picture.id },
      Account: { __typename: 'Account', id: caller.accountId }, Client: { __typename: 'Client', id: newClientId() },
    } };
  },
  async headshot(alone) {
    const { caller } = await alone.account('organization');
    const { team } = await get<{ team: { id: string } }>(alone, caller, 'mutation { createTeam(name: "Sales") { team { id } } }');
    const email = 'jane@example.com';
    const { invite } = await get<{ invite: { id: string; token: string } }>(alone, caller, 'mutation ($input: CreateInviteInput!) { createInvite(input: $input) { invite { id token } } }', { input: { email, isDevelopment: true } });
    await get(alone, null, 'mutation ($token: String!) { acceptInvite(token: $token, name: "Jane") { errors { code } } }', { token: invite.token });
    const { model } = await get<{ model: { id: string } }>(alone, caller, 'query ($email: EmailAddress!) { invite(email: $email) { model { id } } }', { email });
    const of = [{ __typename: 'Organization', id: caller.accountId }];
    const [organization] = await get<[{ members: { nodes: [{ id: string }] } }]>(alone, caller, 'query ($of: [_Any!]!) { _entities(representations: $of) { ... on Organization { members { nodes { id } } } } }', { of });
    const [photoId, modelId] = [newPhotoId(), parseModelId(model.id) ?? assert.fail()];
    await createStore(alone.platform.connection).insertPhoto(caller.accountId, { id: photoId, modelId, position: 0, backdrop: 'studio-grey', framing: 'close', aspect: '4:5', width: 1, height: 1, blobKey: null, originalBlobKey: null });
    return { caller, entities: {
      HeadshotPhoto: { __typename: 'HeadshotPhoto', id: photoId }, GenerationImage: { __typename: 'GenerationImage', id: newPictureId() }, Client: { __typename: 'Client', id: newClientId() },
      Organization: { __typename: 'Organization', id: caller.accountId }, Team: { __typename: 'Team', id: team.id }, Invite: { __typename: 'Invite', id: invite.id },
      HeadshotModel: { __typename: 'HeadshotModel', id: model.id }, TeamMember: { __typename: 'TeamMember', id: organization.members.nodes[0].id },
    } };
  },
  async skinshade(alone) {
    const { caller } = await alone.account();
    const { reading } = await get<{ reading: { id: string } }>(alone, caller, 'mutation ($id: ID!) { detectSkinShade(input: { uploadId: $id }) { reading { id } errors { message } } }', { id: await upload(alone, caller) });
    return { caller, entities: {
      HairColor: { __typename: 'HairColor', id: 'color_101', hex: '#c68863' }, SkinShadeReading: { __typename: 'SkinShadeReading', id: reading.id }, SourceImage: { __typename: 'SourceImage', id: newImageId() },
      Account: { __typename: 'Account', id: caller.accountId }, Client: { __typename: 'Client', id: newClientId() },
    } };
  },
};

/** Object types with a key. */
function entitiesIn(sdl: string): string[] {
  return parse(sdl).definitions.flatMap((node) => (node.kind === Kind.OBJECT_TYPE_DEFINITION && node.directives?.some(({ name }) => name.value === 'key') ? [node.name.value] : [])).toSorted();
}

const sdls = new Map<string, string>();

for (const name of subgraphNames) {
  describe(`${name}, served alone`, async () => {
    const alone = await serveAlone({ after }, name);
    let furnished: Furnished;
    before(async () => {
      furnished = await furnish[name](alone);
    });

    test('says its SDL, linked to federation 2', async () => {
      const { sdl } = await get<{ sdl: string }>(alone, null, '{ _service { sdl } }');
      assert.match(sdl, /@link\(url: "https:\/\/specs\.apollo\.dev\/federation\/v2\.\d+"/);
      assert.deepEqual(entitiesIn(sdl), entitiesIn(subgraphSdl(name)));
      sdls.set(name, sdl);
    });

    test('gives each of its entities by a key, in the order of the representations, and null for what is not there', async () => {
      const { caller, entities } = furnished;
      assert.deepEqual(Object.keys(entities).toSorted(), entitiesIn(subgraphSdl(name)), 'each entity is tried');
      const ask = (of: Entity[]) => get<({ type: string } | null)[]>(alone, caller, 'query ($of: [_Any!]!) { _entities(representations: $of) { type: __typename } }', { of });
      // Other accounts than one's own are there for themselves alone.
      const own = Object.entries(entities).filter(([type]) => !['PersonalAccount', 'Organization', 'PartnerAccount'].includes(type) || name === 'headshot');
      assert.deepEqual((await ask(own.map(([, entity]) => entity))).map((found) => found?.type), own.map(([type]) => type));
      // A color is the catalogue's; here it is only looked at.
      const kept = own.filter(([type]) => name !== 'skinshade' || type !== 'HairColor');
      assert.deepEqual(await ask(kept.map(([, entity]) => ({ ...entity, id: 'nothing' }))), kept.map(() => null));
    });

    test('takes an operation by its name among several, and says what is wrong with one', async () => {
      const two = 'query A { __typename } query B { b: __typename }';
      assert.deepEqual((await alone.post(alone.headersOf(null), { query: two, operationName: 'B' })).body, { data: { b: 'Query' } });
      const wrong: [unknown, string][] = [
        [{ query: two }, 'BAD_REQUEST'], [{ query: '{ nobody }' }, 'GRAPHQL_VALIDATION_FAILED'], [{ query: '{' }, 'GRAPHQL_PARSE_FAILED'], [{}, 'BAD_REQUEST'], ['[]', 'BAD_REQUEST'], ['{', 'BAD_REQUEST'],
        [{ query: `${'{ a '.repeat(9_000)}${'}'.repeat(9_000)}` }, 'OPERATION_TOO_COMPLEX'], [{ query: `{ ${'__typename '.repeat(21_000)} }` }, 'OPERATION_TOO_COMPLEX'],
      ];
      for (const [body, code] of wrong) {
        const { status, type, body: said } = await alone.post({ ...alone.headersOf(null), accept: 'application/graphql-response+json' }, body);
        assert.deepEqual([status, type, said.data, said.errors?.[0]?.extensions['code']], [400, 'application/graphql-response+json; charset=utf-8', undefined, code], JSON.stringify(body).slice(0, 100));
      }
    });
  });
}

test('the four compose to the supergraph that is served', () => {
  assert.equal(sdls.size, 4);
  const { supergraphSdl: composed, errors } = composeServices([...sdls].map(([name, sdl]) => ({ name, typeDefs: parse(sdl), url: `http://${name}.subgraph/graphql` })));
  assert.equal(errors, undefined);
  const lines = (sdl: string) => sdl.split('\n').map((line) => line.trim()).filter(Boolean).toSorted();
  assert.deepEqual(lines(composed ?? ''), lines(supergraphSdl()));
});
