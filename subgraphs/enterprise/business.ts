import { randomInt } from 'node:crypto';
import { Failure } from '../../schema/failures.ts';
import type { CreateEnterpriseInput } from '../../schema/types/enterprise.ts';
import { newAccountId, newUserId } from '../ids.ts';
import { defaultScopes } from '../keys.ts';
import { type CountedPage, countedPage, pageRequest } from '../paging.ts';
import type { Platform } from '../platform.ts';
import type { Caller } from '../subgraph.ts';
import { checkBusiness, emailKeyOf, slugBase } from './rules.ts';
import type { AccountRow, Store, WidgetRow } from './store.ts';

/** Credits that a new business may try everything with. */
export const trialCredits = 20;
/** Names that are tried, each with four digits of its own. */
const attempts = 30;

export type NewBusiness = { enterprise: AccountRow; ownerEmail: string; widget: WidgetRow; secret: string };

/**
 * Creates a business for its owner, ready to be used: account, owner with all rights, enabled widget, key and trial credits, all or nothing.
 * @throws Failure VALIDATION; CONFLICT when no name is free.
 */
export async function createBusiness({ connection, credits, keys, store }: Pick<Platform, 'connection' | 'credits' | 'keys'> & { store: Store }, { accountId: partnerId, accountKind }: Caller, input: CreateEnterpriseInput): Promise<NewBusiness> {
  if (accountKind !== 'partner') throw new Failure('FORBIDDEN', 'Only a partner creates enterprises');
  const name = checkBusiness(input);
  return connection.transaction(async () => {
    // The owner first: two that wait for one address never hold what the other one waits for.
    const owner = await store.getUserByEmail({ id: newUserId(), email: input.ownerEmail.trim(), email_key: emailKeyOf(input.ownerEmail) });
    const enterprise = await insertNamed(store, name, (slug) => ({
      id: newAccountId(), kind: 'enterprise' as const, name, slug, business_type: input.businessType, subscription_status: 'ACTIVE' as const, website: null, partner_id: partnerId,
    }));
    const accountId = enterprise.id;
    await store.insertMemberships(accountId, owner.id, ['business_owner', 'admin']);
    const widgetId = await store.insertWidget(accountId);
    const { secret } = await keys.issue({ accountId, accountKind: 'enterprise', name: 'Default API key', scopes: defaultScopes('enterprise'), expiresAt: null, userId: owner.id });
    await credits.grant(accountId, trialCredits, 'Trial credits');
    return { enterprise, ownerEmail: owner.email, widget: { id: widgetId, accountId, enabled: true, brandName: name }, secret };
  });
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
