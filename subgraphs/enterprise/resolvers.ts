import assert from 'node:assert/strict';
import type { Resolvers } from '../../schema/types/enterprise.ts';
import { parseAccountId, parseClientId, parseGenerationId, parseKeyId } from '../ids.ts';
import { isExpired, maskedKey } from '../keys.ts';
import { type CountedPage, type Page, page, pageRequest } from '../paging.ts';
import { getCaller, payload } from '../schema.ts';
import type { AccountKind } from '../subgraph.ts';
import { createClient, pageOfClients } from './client.ts';
import type { AccountModel, ApiKeyModel, ClientModel, Context, CreditBalanceModel, LedgerEntryModel } from './models.ts';

const typeOf = { personal: 'PersonalAccount', enterprise: 'Enterprise', partner: 'PartnerAccount', organization: 'Organization' } as const satisfies Record<AccountKind, string>;
const ledgerKinds = { grant: 'GRANT', reserve: 'RESERVE', consume: 'CONSUME', release: 'RELEASE' } as const;

const account = {
  credits: async ({ id }: AccountModel, _: unknown, { loaders }: Context) => ({ ...(await loaders.balance.load(id)), accountId: id }),
  apiKeys: ({ id }: AccountModel, _: unknown, { loaders }: Context) => loaders.keysOf.load(id),
};

/** Every field of the subgraph that is not a property of its model, one line each. */
export const resolvers: Resolvers = {
  Query: {
    viewer: (_, _args, context) => getCaller(context),
  },
  Mutation: {
    createClient: (_, { input }, context) => payload(async () => ({ client: await createClient(context.store, getCaller(context), input) })),
  },
  Viewer: {
    account: ({ accountId }, _, { loaders }) => getLoaded(loaders.account.load(accountId)),
    key: ({ accountId, keyId }, _, { keys }) => keys.get(accountId, keyId),
    scopes: ({ scopes }) => [...scopes].sort(),
  },
  Account: {
    __resolveReference: ({ id }, context) => findAccount(context, id),
    __resolveType: ({ kind }) => typeOf[kind],
  },
  PersonalAccount: { __resolveReference: ({ id }, context) => findAccount(context, id, 'personal'), ...account },
  PartnerAccount: { __resolveReference: ({ id }, context) => findAccount(context, id, 'partner'), ...account },
  Organization: { __resolveReference: ({ id }, context) => findAccount(context, id, 'organization'), ...account },
  Enterprise: {
    __resolveReference: (reference, context) => ('id' in reference ? findAccount(context, reference.id, 'enterprise') : findEnterprise(context, reference.slug)),
    ...account,
    slug: ({ slug }) => present(slug),
    businessType: ({ businessType }) => present(businessType),
    clients: (enterprise, args, { store }) => pageOfClients(store, enterprise, args).then(counted),
    client: (_, { id }, context) => findClient(context, id),
  },
  Client: {
    __resolveReference: ({ id }, context) => findClient(context, id),
    enterprise: ({ accountId }, _, { loaders }) => getLoaded(loaders.account.load(accountId)),
  },
  ApiKey: {
    __resolveReference: ({ id }, context) => findKey(context, id),
    masked: (key) => maskedKey(key),
    status: (key) => (isExpired(key) ? 'EXPIRED' : 'ACTIVE'),
  },
  CreditBalance: { ledger: (balance, args, context) => pageOfLedger(balance, args, context) },
  LedgerEntry: { kind: ({ kind }) => ledgerKinds[kind] },
  HairstyleGeneration: {
    __resolveReference: ({ id }) => referenced(parseGenerationId(id)),
    charges: ({ id }, _, { loaders }) => loaders.charges.load(id),
  },
  UserError: { __resolveType: ({ __typename }) => __typename },
};

const findAccount = async ({ loaders }: Context, id: string, kind?: AccountKind): Promise<AccountModel | null> => ofKind(await load(loaders.account, parseAccountId(id)), kind);
const findClient = ({ loaders }: Context, id: string): Promise<ClientModel | null> => load(loaders.client, parseClientId(id));
const referenced = <Id>(id: Id | null): { id: Id } | null => (id === null ? null : { id });
const ofKind = (found: AccountModel | null, kind?: AccountKind): AccountModel | null => (kind === undefined || found?.kind === kind ? found : null);

async function load<Id, Row>(loader: { load(id: Id): Promise<Row | null> }, id: Id | null): Promise<Row | null> {
  return id === null ? null : loader.load(id);
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
