import assert from 'node:assert/strict';
import { Failure } from '../../schema/failures.ts';
import type { AccountApiLogsArgs, AccountWebhookDeliveriesArgs, Resolvers } from '../../schema/types/enterprise.ts';
import { parseAccountId, parseClientId, parseErasureId, parseGenerationId, parseKeyId, parseMediaId, parseUserId } from '../ids.ts';
import { isExpired, maskedKey } from '../keys.ts';
import { type CountedPage, type Page, page, pageRequest } from '../paging.ts';
import { keyedBy } from '../requests.ts';
import { getCaller, payload } from '../schema.ts';
import type { AccountKind, Caller } from '../subgraph.ts';
import { createSecret } from '../webhooks.ts';
import { createBusiness, pageOfBusinesses } from './business.ts';
import { addMedia, createClientOnce, pageOfClients } from './client.ts';
import { createEndpoint, deleteEndpoint, pageOfDeliveries, replayDelivery, rotateCallbackSecret, rotateSecret, setEnabled, updateEndpoint } from './endpoint.ts';
import { eraseClient } from './erasure.ts';
import { createKey, deleteKey, pageOfLogs } from './key.ts';
import { addMember, graphRoles, removeMember } from './member.ts';
import type { AccountModel, ApiKeyModel, ClientMediaModel, ClientModel, Context, CreditBalanceModel, ErasureModel, LedgerEntryModel, MembershipModel, WidgetModel } from './models.ts';
import { emailKeyOf, usageSince } from './rules.ts';
import { openSession, requestLink, signIn, signOut } from './sign-in.ts';
import { embedUrlOf, linksOf, parseWidgetId } from './widget.ts';

const typeOf = { personal: 'PersonalAccount', enterprise: 'Enterprise', partner: 'PartnerAccount', organization: 'Organization' } as const satisfies Record<AccountKind, string>;
const urlsLiveForMs = 24 * 3_600_000;
const ledgerKinds = { grant: 'GRANT', reserve: 'RESERVE', consume: 'CONSUME', release: 'RELEASE' } as const;

const account = {
  credits: async ({ id }: AccountModel, _: unknown, context: Context) => ({ ...(await context.loaders.balance.load(own(context, id))), accountId: id }),
  apiKeys: ({ id }: AccountModel, _: unknown, context: Context) => context.loaders.keysOf.load(own(context, id)),
  apiLogs: ({ id }: AccountModel, args: AccountApiLogsArgs, context: Context) => pageOfLogs(context.platform.apiLogs, own(context, id), args),
  webhookEndpoints: ({ id }: AccountModel, _: unknown, context: Context) => context.endpoints.listEndpoints(own(context, id)),
  webhookDeliveries: ({ id }: AccountModel, { state, event, ...args }: AccountWebhookDeliveriesArgs, context: Context) => pageOfDeliveries(context.endpoints, own(context, id), { state, event }, args),
  callbackSecret: ({ id }: AccountModel, _: unknown, context: Context) => context.endpoints.getCallbackSecret(own(context, id), createSecret()),
};

const users = ({ id }: AccountModel, _: unknown, context: Context) => context.store.listMembers(own(context, id));
const parts = (context: Context) => ({ ...context.platform, store: context.store, endpoints: context.endpoints });
const ofSession = (credential: ApiKeyModel | null, isSession: boolean): ApiKeyModel | null => (credential?.isSession === isSession ? credential : null);

/** Of who signed in; whose key it is acts for nothing else by it. */
async function membershipsOf({ loaders }: Context, { keyId }: Caller): Promise<MembershipModel[]> {
  const credential = await loaders.credential.load(keyId);
  return credential?.isSession && credential.userId !== null ? loaders.membershipsOf.load(credential.userId) : [];
}

/** Every field of the subgraph that is not a property of its model, one line each. */
export const resolvers: Resolvers = {
  Query: {
    viewer: (_, _args, context) => getCaller(context),
    enterprise: (_, { slug }, context) => getEnterprise(context, slug),
  },
  Mutation: {
    createEnterprise: (_, { input }, context, info) => payload(async () => createBusiness(parts(context), getCaller(context), input, keyedBy(context, info, input))),
    createClient: (_, { enterprise, input }, context, info) => payload(async () => ({ client: await createClientOnce(parts(context), await callerAt(context, enterprise), input, keyedBy(context, info, input)) })),
    eraseClient: (_, { enterprise, id }, context, info) => payload(async () => ({ erasure: await eraseClient(parts(context), await callerAt(context, enterprise), id, keyedBy(context, info, { id })) })),
    addClientMedia: (_, { enterprise, clientId, input }, context, info) => payload(async () => ({ media: await addMedia(parts(context), await callerAt(context, enterprise), { ...input, clientId }, keyedBy(context, info, { ...input, clientId }), context.stopped()) })),
    createApiKey: (_, { enterprise, input }, context, info) => payload(async () => createKey(parts(context), await callerAt(context, enterprise), input, keyedBy(context, info, input))),
    deleteApiKey: (_, { enterprise, id }, context) => payload(async () => deleteKey(context.keys, await callerAt(context, enterprise), id)),
    requestSignInLink: (_, { email }, context) => payload(async () => requestLink(parts(context), context, email)),
    signIn: (_, { token, accountId }, context) => payload(async () => signIn(parts(context), token, accountId ?? null)),
    openSession: (_, { accountId }, context) => payload(async () => openSession(parts(context), context, accountId)),
    signOut: (_, _args, context) => payload(async () => signOut(parts(context), context, false)),
    signOutEverywhere: (_, _args, context) => payload(async () => signOut(parts(context), context, true)),
    addMember: (_, { email, role }, context, info) => payload(async () => addMember(parts(context), getCaller(context), { email, role }, keyedBy(context, info, { email, role }))),
    createWebhookEndpoint: (_, { input }, context, info) => payload(async () => createEndpoint(parts(context), getCaller(context), input, keyedBy(context, info, input))),
    updateWebhookEndpoint: (_, { id, input }, context) => payload(async () => updateEndpoint(parts(context), getCaller(context), id, input)),
    enableWebhookEndpoint: (_, { id }, context) => payload(async () => setEnabled(parts(context), getCaller(context), id, true)),
    disableWebhookEndpoint: (_, { id }, context) => payload(async () => setEnabled(parts(context), getCaller(context), id, false)),
    deleteWebhookEndpoint: (_, { id }, context) => payload(async () => deleteEndpoint(parts(context), getCaller(context), id)),
    rotateWebhookSecret: (_, { id, input }, context, info) => payload(async () => rotateSecret(parts(context), getCaller(context), { ...input, id }, keyedBy(context, info, { ...input, id }))),
    rotateCallbackSecret: (_, { input }, context, info) => payload(async () => rotateCallbackSecret(parts(context), getCaller(context), input, keyedBy(context, info, input))),
    replayWebhookDelivery: (_, { id }, context, info) => payload(async () => replayDelivery(parts(context), getCaller(context), id, keyedBy(context, info, { id }))),
    removeMember: (_, { userId }, context) => payload(async () => removeMember(parts(context), getCaller(context), userId)),
  },
  Viewer: {
    account: ({ accountId }, _, { loaders }) => getLoaded(loaders.account.load(accountId)),
    key: async ({ keyId }, _, { loaders }) => ofSession(await loaders.credential.load(keyId), false),
    session: async ({ keyId }, _, { loaders }) => ofSession(await loaders.credential.load(keyId), true),
    user: async ({ keyId }, _, { loaders }) => load(loaders.user, (await loaders.credential.load(keyId))?.userId ?? null),
    roles: async (caller, _, context) => graphRoles((await membershipsOf(context, caller)).find(({ account: { id } }) => id === caller.accountId)?.roles ?? []),
    scopes: ({ scopes }) => [...scopes].sort(),
    memberships: (caller, _, context) => membershipsOf(context, caller),
    rateLimits: (caller, _, { platform }) => limitsOf(platform, caller),
  },
  Account: {
    __resolveReference: ({ id }, context) => findAccount(context, id),
    __resolveType: ({ kind }) => typeOf[kind],
  },
  PersonalAccount: { __resolveReference: ({ id }, context) => findAccount(context, id, 'personal'), ...account },
  PartnerAccount: {
    __resolveReference: ({ id }, context) => findAccount(context, id, 'partner'),
    ...account,
    users,
    enterprises: (partner, args, { store }) => pageOfBusinesses(store, partner, args).then(counted),
  },
  Organization: { __resolveReference: ({ id }, context) => findAccount(context, id, 'organization'), ...account, users },
  Enterprise: {
    __resolveReference: (reference, context) => ('id' in reference ? findAccount(context, reference.id, 'enterprise') : findEnterprise(context, reference.slug)),
    ...account,
    slug: ({ slug }) => present(slug),
    businessType: ({ businessType }) => present(businessType),
    subscriptionStatus: ({ subscriptionStatus }) => present(subscriptionStatus),
    users,
    owner: async ({ id }, _, { loaders }) => (await loaders.ownerOf.load(id))[0] ?? null,
    widgets: ({ id }, _, { loaders }) => loaders.widgetsOf.load(id),
    links: (enterprise, _, context) => findLinks(enterprise, context),
    clients: (enterprise, args, context) => pageOfClients(context.store, own(context, enterprise.id), args).then(counted),
    client: ({ id: enterpriseId }, { id }, context) => findClient(context, own(context, enterpriseId) && id),
    erasure: ({ id: enterpriseId }, { id }, context) => findErasure(context, own(context, enterpriseId) && id),
  },
  Client: {
    __resolveReference: ({ id }, context) => findClient(context, id),
    enterprise: ({ accountId }, _, { loaders }) => getLoaded(loaders.account.load(accountId)),
    user: ({ email }, _, { loaders }) => load(loaders.userOfAddress, email === null ? null : emailKeyOf(email)),
    createdBy: ({ createdBy }, _, { loaders }) => load(loaders.user, createdBy),
    media: ({ id }, args, { loaders }) => loaders.mediaOf(id, pageRequest(args, 20)).then(counted),
  },
  Erasure: {
    __resolveReference: ({ id }, context) => findErasure(context, id),
    status: ({ completedAt }) => (completedAt === null ? 'RUNNING' : 'COMPLETED'),
    removed: ({ accountId, id }, _, { platform }) => platform.erasures.counts(accountId, id),
  },
  ClientMedia: {
    __resolveReference: ({ id }, { loaders }) => load(loaders.media, parseMediaId(id)),
    fileUrl: ({ blobKey }, { width }, { blobs }) => signedUrl(blobs, blobKey, width),
  },
  User: { __resolveReference: ({ id }, { loaders }) => load(loaders.user, parseUserId(id)) },
  Member: { roles: ({ roles }) => graphRoles(roles) },
  Membership: { roles: ({ roles }) => graphRoles(roles) },
  Session: { expiresAt: ({ expiresAt }) => present(expiresAt) },
  Widget: {
    __resolveReference: ({ id }, context) => findWidget(context, id),
    id: ({ id }) => String(id),
    embedUrl: ({ id }, _, { platform }) => embedUrlOf(platform.env.publicUrl, id),
  },
  ApiKey: {
    __resolveReference: ({ id }, context) => findKey(context, id),
    masked: (key) => maskedKey(key),
    status: (key) => (isExpired(key) ? 'EXPIRED' : 'ACTIVE'),
    user: ({ userId }, _, { loaders }) => load(loaders.user, userId),
  },
  ApiLog: { key: ({ keyId }, _, context) => findKey(context, keyId) },
  CreditBalance: {
    ledger: (balance, args, context) => pageOfLedger(balance, args, context),
    usage: ({ accountId }, { days }, { credits }) => credits.usage(accountId, usageSince(days, new Date())),
  },
  CreditUsage: { key: ({ keyId }, _, context) => (keyId === null ? null : findKey(context, keyId)) },
  LedgerEntry: { kind: ({ kind }) => ledgerKinds[kind] },
  HairstyleGeneration: {
    __resolveReference: ({ id }) => referenced(parseGenerationId(id)),
    charges: ({ id }, _, { loaders }) => loaders.charges.load(id),
    webhookDeliveries: ({ id }, _, { loaders }) => loaders.deliveriesAbout.load(id),
  },
  WebhookEndpoint: { deliveries: ({ id, accountId }, { state, event, ...args }, { endpoints }) => pageOfDeliveries(endpoints, accountId, { endpointId: id, state, event }, args) },
  WebhookDelivery: {
    endpoint: ({ endpointId }, _, { loaders }) => load(loaders.endpoint, endpointId),
    log: ({ id }, _, { loaders }) => loaders.attempts.load(id),
  },
  WebhookAttempt: { durationMs: ({ duration_ms }) => duration_ms, headers: ({ headers }) => Object.entries(headers).map(([name, value]) => ({ name, value })) },
  UserError: { __resolveType: ({ __typename }) => __typename },
};

/** Quotas, and requests of the running minute. */
async function limitsOf({ quotas, rates }: Context['platform'], caller: Caller) {
  const minutes = (await rates.statesOf(caller.keyId)).map(({ family, limit, count, resetsAt }) => ({ name: `requests-${family}`, limit, remaining: Math.max(0, limit - count), window: 'MINUTE' as const, resetsAt }));
  return [...await quotas.statesOf(caller), ...minutes];
}

const findAccount = async ({ loaders }: Context, id: string, kind?: AccountKind): Promise<AccountModel | null> => ofKind(await load(loaders.account, parseAccountId(id)), kind);
const findClient = ({ loaders }: Context, id: string): Promise<ClientModel | null> => load(loaders.client, parseClientId(id));
const referenced = <Id>(id: Id | null): { id: Id } | null => (id === null ? null : { id });
const ofKind = (found: AccountModel | null, kind?: AccountKind): AccountModel | null => (kind === undefined || found?.kind === kind ? found : null);

async function load<Id, Row>(loader: { load(id: Id): Promise<Row | null> }, id: Id | null): Promise<Row | null> {
  return id === null ? null : loader.load(id);
}

/** What a business keeps to itself, also from the partner that created it. */
function own({ caller }: Context, id: AccountModel['id']): AccountModel['id'] {
  if (caller?.accountId !== id) throw new Failure('FORBIDDEN', 'Only the account itself may see this');
  return id;
}

/** The caller, who must be the business of that slug when one is named. Whether another slug exists is not told. */
async function callerAt(context: Context, slug: string | null | undefined): Promise<Caller> {
  const caller = getCaller(context);
  if (slug !== null && slug !== undefined) await getEnterprise(context, slug);
  return caller;
}

async function getEnterprise(context: Context, slug: string): Promise<AccountModel> {
  const found = await findEnterprise(context, slug);
  if (!found) throw new Failure('FORBIDDEN', 'This API key has no access to this enterprise');
  return found;
}

async function findLinks({ id, slug }: AccountModel, { loaders, platform }: Context) {
  const [first] = await loaders.widgetsOf.load(id);
  return first ? linksOf(platform.env.publicUrl, present(slug), first.id) : null;
}

async function findErasure({ caller, platform }: Context, id: string): Promise<ErasureModel | null> {
  const erasureId = parseErasureId(id);
  return caller && erasureId && platform.erasures.find(caller.accountId, erasureId);
}

async function findWidget({ caller, loaders }: Context, id: string): Promise<WidgetModel | null> {
  const widgetId = parseWidgetId(id);
  const own = caller && widgetId !== null ? await loaders.widgetsOf.load(caller.accountId) : [];
  return own.find((widget) => widget.id === widgetId) ?? null;
}

function signedUrl(blobs: Context['blobs'], key: ClientMediaModel['blobKey'], width: number | null | undefined): string {
  if (typeof width === 'number' && (width < 64 || width > 2048)) throw new Failure('VALIDATION', 'width must be from 64 to 2048', { path: ['width'] });
  return blobs.signedUrl(key, { expiresAt: new Date(Date.now() + urlsLiveForMs), width: width ?? undefined });
}

/** By slug only the caller's own enterprise is found. */
async function findEnterprise({ caller, loaders }: Context, slug: string): Promise<AccountModel | null> {
  const own = await load(loaders.account, caller?.accountId ?? null);
  return own?.slug === slug ? own : null;
}

async function findKey({ caller, loaders }: Context, id: string): Promise<ApiKeyModel | null> {
  const keyId = parseKeyId(id);
  const own = caller && keyId ? await loaders.keysOf.load(caller.accountId) : [];
  return own.find((key) => key.id === keyId) ?? null;
}

/** For what a row of the same account points to. */
async function getLoaded<Row>(loading: Promise<Row | null>): Promise<Row> {
  return present(await loading);
}

function present<Value>(value: Value | null): Value {
  assert(value !== null, 'the database holds an enterprise without a slug, or a row without its account');
  return value;
}

async function pageOfLedger({ accountId }: CreditBalanceModel, args: { first?: number | null; after?: string | null }, { credits }: Context): Promise<Page<LedgerEntryModel>> {
  const request = pageRequest(args, 50);
  return page(await credits.ledger(accountId, request), request, ({ id }) => id);
}

/** graphql-js calls a function that stands for a field, here only when the count is asked for; the generated types know its result alone. */
const counted = <Node>({ totalCount, ...rest }: CountedPage<Node>) => ({ ...rest, totalCount: totalCount as unknown as number });
