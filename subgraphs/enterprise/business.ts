import { randomInt } from 'node:crypto';
import { Failure } from '../../schema/failures.ts';
import type { CreateEnterpriseInput } from '../../schema/types/enterprise.ts';
import { type AccountId, newAccountId, newUserId } from '../ids.ts';
import { defaultScopes, secretOf } from '../keys.ts';
import { type CountedPage, countedPage, pageRequest } from '../paging.ts';
import type { Platform } from '../platform.ts';
import { type Keyed, secretBytes } from '../requests.ts';
import type { Caller } from '../subgraph.ts';
import { welcomeMail } from './member.ts';
import { checkBusiness, emailKeyOf, slugBase } from './rules.ts';
import type { AccountRow, Store, WidgetRow } from './store.ts';

/** Credits that a new business may try everything with. */
export const trialCredits = 20;
/** Names that are tried, each with four digits of its own. */
const attempts = 30;

export type NewBusiness = { enterprise: AccountRow; ownerEmail: string; widget: WidgetRow; secret: string };

type Parts = Pick<Platform, 'credits' | 'keys' | 'mail' | 'env' | 'requests'> & { store: Store };

/**
 * Creates a business for its owner, ready to be used: account, owner with all rights, enabled widget, key and trial credits, all or nothing.
 * @throws Failure VALIDATION; IDEMPOTENCY_CONFLICT; CONFLICT when no name is free.
 */
export async function createBusiness(parts: Parts, { accountId: partnerId, accountKind }: Caller, input: CreateEnterpriseInput, keyed: Keyed | null): Promise<NewBusiness> {
  if (accountKind !== 'partner') throw new Failure('FORBIDDEN', 'Only a partner creates enterprises');
  const name = checkBusiness(input);
  const id = newAccountId();
  return parts.requests.once(partnerId, keyed, id, {
    work: (seed) => create(parts, { id, partnerId, name, input, bytes: seed === null ? undefined : secretBytes(parts.env, seed) }),
    replay: (earlier, seed) => find(parts, partnerId, earlier, seed),
  });
}

type Order = { id: AccountId; partnerId: AccountId; name: string; input: CreateEnterpriseInput; bytes: Uint8Array | undefined };

async function create({ credits, keys, mail, store }: Parts, { id, partnerId, name, input, bytes }: Order): Promise<NewBusiness> {
  // The owner first: two that wait for one address never hold what the other one waits for.
  const owner = await store.getUserByEmail({ id: newUserId(), email: input.ownerEmail.trim(), email_key: emailKeyOf(input.ownerEmail) });
  const enterprise = await insertNamed(store, name, (slug) => ({
    id, kind: 'enterprise' as const, name, slug, business_type: input.businessType, subscription_status: 'ACTIVE' as const, website: null, partner_id: partnerId, user_id: null,
  }));
  await store.insertMemberships(id, owner.id, ['business_owner', 'admin']);
  const widgetId = await store.insertWidget(id);
  const { secret } = await keys.issue({ accountId: id, accountKind: 'enterprise', name: 'Default API key', scopes: defaultScopes('enterprise'), expiresAt: null, userId: owner.id, bytes });
  await credits.grant(id, trialCredits, 'Trial credits');
  await mail.post(welcomeMail, `${id} ${owner.id}`);
  return { enterprise, ownerEmail: owner.email, widget: { id: widgetId, accountId: id, enabled: true, brandName: name }, secret };
}

/** What was created before. The secret is not kept but made again; it is of no use when the key was deleted meanwhile. */
async function find({ env, store }: Parts, partnerId: AccountId, id: AccountId, seed: string): Promise<NewBusiness | null> {
  const enterprise = await store.findEnterprise(partnerId, id);
  const [[owner], [widget]] = [await store.findOwners([id]), await store.listWidgets([id])];
  return enterprise && owner && widget ? { enterprise, ownerEmail: owner.email, widget, secret: secretOf(secretBytes(env, seed)) } : null;
}

async function insertNamed(store: Store, name: string, make: (slug: string) => Parameters<Store['insertEnterprise']>[0]): Promise<AccountRow> {
  const base = slugBase(name);
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const inserted = await store.insertEnterprise(make(`${base}-${randomInt(1000, 10_000)}`));
    if (inserted) return inserted;
  }
  throw new Failure('CONFLICT', 'Unable to generate unique enterprise name', { path: ['input', 'businessName'] });
}

/** The businesses that a partner created, newest first. */
export async function pageOfBusinesses(store: Store, { id }: AccountRow, args: { first?: number | null; after?: string | null }): Promise<CountedPage<AccountRow>> {
  const request = pageRequest(args, 50);
  return countedPage(await store.listEnterprises(id, request), request, (enterprise) => enterprise.id, () => store.countEnterprises(id));
}
