/** What the operations are about. */
export type Parts = { key: string; slug: string; clientId: string; generationId: string; organizationKey: string; partnerKey: string; personalKey: string; poorKey: string };
export type Operation = { key?: string; query: string; variables?: Record<string, unknown> };

/** Thirty operations that any gateway should answer alike: across subgraphs, by interfaces, with errors, and changes that may be made twice. */
export function operations({ key, slug, clientId, generationId, organizationKey, partnerKey, personalKey, poorKey }: Parts): Record<string, Operation> {
  return {
    'a list': { query: '{ hairstyles(first: 3, tag: "bob") { nodes { id description sex tags } totalCount pageInfo { hasNextPage endCursor } } }' },
    'a field of another subgraph for every entity of a list': { query: '{ hairColors { id name hex suits(skinShade: "#c68863") { score contrast deltaE toneRange undertone reason } } }' },
    'its requirement is not asked for': { query: '{ hairColors(family: "red") { suits(skinShade: "#4a2c1a") { score } } }' },
    'two arguments of one field': { query: '{ hairColors(family: "brown") { a: suits(skinShade: "#c68863") { score } b: suits(skinShade: "#f1d3c0") { score } } }' },
    'nothing of that id': { query: '{ hairstyle(id: "000000") { id } }' },
    'fragments and __typename': { query: 'query { __typename hairstyle(id: "817941") { ...Style __typename } } fragment Style on Hairstyle { id ... on Hairstyle { description } }' },
    'variables and defaults': { query: 'query ($first: Int = 2, $sex: HairSex) { hairstyles(first: $first, sex: $sex) { nodes { id } } }', variables: { sex: 'MASCULINE' } },
    'a condition that holds and one that does not': { query: 'query ($yes: Boolean!, $no: Boolean!) { hairColors(family: "grey") { id @include(if: $yes) name @skip(if: $yes) suits(skinShade: "#c68863") @include(if: $no) { score } } }', variables: { yes: true, no: false } },
    'introspection': { query: '{ __type(name: "PersonalAccount") { kind name description interfaces { name kind } } __schema { subscriptionType { name } } }' },
    'an interface, and what another subgraph adds to it': { key, query: '{ viewer { scopes account { __typename id name generations(first: 2) { nodes { id mode } totalCount } ... on Enterprise { slug businessType } ... on Organization { website } } } }' },
    'the same for a personal account': { key: personalKey, query: '{ viewer { account { __typename ... on PersonalAccount { credits { available reserved } } ... on Enterprise { slug } images { totalCount } } } }' },
    'the same for a partner': { key: partnerKey, query: '{ viewer { account { __typename ... on PartnerAccount { enterprises { totalCount nodes { slug } } } } } }' },
    'an interface object that is a concrete type elsewhere': { key: organizationKey, query: '{ viewer { account { id ... on Organization { teams { name } credits { available } } } } }' },
    'entities in lists in lists, and back': { key, query: `query ($slug: String!) { enterprise(slug: $slug) { clients(first: 5) { nodes { email generations(first: 2) { nodes { id progress { status percent } images { style { id description } hairColor { name suits(skinShade: "#c68863") { score } } } client { name email } } totalCount } media(first: 3) { totalCount nodes { source fileName } } } totalCount } } }`, variables: { slug } },
    'one entity in three subgraphs': { key, query: 'query ($id: ID!) { hairstyleGeneration(id: $id) { id cost styles { id } hairColor { id hex suits(skinShade: "#8d5524") { score } } charges { kind amount } client { email enterprise { slug } } source { name width height } images { width height lowQuality generation { id } } } }', variables: { id: generationId } },
    'an entity by its key in two places at once': { key, query: 'query ($id: ID!, $slug: String!) { hairstyleGeneration(id: $id) { client { id name } } enterprise(slug: $slug) { client(id: "nobody") { id } } }', variables: { id: generationId, slug } },
    'one client': { key, query: 'query ($slug: String!, $id: ID!) { enterprise(slug: $slug) { client(id: $id) { id email name source createdBy { email } user { email } } } }', variables: { slug, id: clientId } },
    'links that are signed': { key, query: 'query ($id: ID!) { hairstyleGeneration(id: $id) { images { url(width: 256) urlExpiresAt } source { url(width: 128) } } }', variables: { id: generationId } },
    'a price': { key, query: '{ generationCost(mode: LIVE, styleIds: ["817941", "462817"]) { required available isCovered } }' },
    'a key that nobody may see is null': { key: personalKey, query: 'query ($id: ID!) { hairstyleGeneration(id: $id) { id } }', variables: { id: generationId } },
    'UNAUTHENTICATED, and the rest of the answer': { query: '{ hairstyle(id: "817941") { id } generations: hairstyleGeneration(id: "gen_x") { id } }' },
    'FORBIDDEN for a scope that is not there, and the rest': { key: poorKey, query: 'query ($slug: String!) { enterprise(slug: $slug) { name owner { email } clients { totalCount } } }', variables: { slug } },
    'FORBIDDEN for another business': { key, query: '{ enterprise(slug: "somebody-else") { id } }' },
    'VALIDATION of an argument': { key, query: '{ generationCost(styleIds: ["1"]) { required } }' },
    'NOT_FOUND in a payload': { key: organizationKey, query: 'mutation { deleteTeam(id: "team_01K0000000000000000000000A") { deletedId errors { __typename code message path } } }' },
    'CONFLICT in a payload, by its concrete type': { key: organizationKey, query: 'mutation { createTeam(name: "sales") { team { id } errors { __typename code path ... on ConflictError { existingId } } } }' },
    'two changes in order': { key: organizationKey, query: 'mutation { a: createTeam(name: "") { errors { code message } } b: renameTeam(id: "nothing", name: "x") { errors { code } } }' },
    'a change with a scope that is not there': { key: poorKey, query: 'mutation { createClient(input: { email: "x@example.com" }) { client { id } errors { code } } }' },
    'a change that is answered alike when it is repeated': { key, query: 'mutation ($client: ID!) { generateHairstyle(input: { mode: TEST, gender: UNISEX, styleIds: ["817941"], imageName: "me.jpg", clientId: $client, idempotencyKey: "foreign" }) { generation { id cost client { email } styles { description } } errors { code } } }', variables: { client: clientId } },
    'IDEMPOTENCY_CONFLICT': { key, query: 'mutation { generateHairstyle(input: { mode: TEST, gender: MASCULINE, styleIds: ["462817"], imageName: "me.jpg", idempotencyKey: "foreign" }) { generation { id } errors { __typename code path } } }' },
  };
}
