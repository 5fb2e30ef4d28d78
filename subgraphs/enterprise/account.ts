import { Failure } from '../../schema/failures.ts';
import type { BusinessType } from '../../schema/types/enterprise.ts';
import type { Connection } from '../database.ts';
import { type AccountId, newAccountId } from '../ids.ts';
import type { AccountKind } from '../subgraph.ts';
import { isSlug } from './rules.ts';
import { createStore, isSlugTaken } from './store.ts';

/** `slug` and `businessType` belong to an enterprise, and it needs both. */
export type NewAccount = { kind: AccountKind; name: string; slug?: string; businessType?: BusinessType; website?: string };

/** Accounts as they come into being. Keys and credits are given to them by whoever creates them, in the same transaction. */
export type Accounts = {
  /** @throws Failure VALIDATION; CONFLICT when the slug is taken, and then the running transaction is lost. */
  createAccount(account: NewAccount): Promise<AccountId>;
};

export function createAccounts(connection: Connection): Accounts {
  const store = createStore(connection);
  return {
    createAccount: async ({ kind, name, slug, businessType, website }) => {
      const isEnterprise = kind === 'enterprise';
      if (name.trim() === '') throw new Failure('VALIDATION', 'name must not be empty', { path: ['name'] });
      if (isEnterprise !== (slug !== undefined) || (slug !== undefined && !isSlug(slug))) throw new Failure('VALIDATION', 'An enterprise, and nobody else, needs a slug of a-z, 0-9 and hyphens', { path: ['slug'] });
      if (isEnterprise !== (businessType !== undefined)) throw new Failure('VALIDATION', 'An enterprise, and nobody else, needs a business type', { path: ['businessType'] });
      const id = newAccountId();
      try {
        await store.insertAccount({ id, kind, name, slug: slug ?? null, business_type: businessType ?? null, subscription_status: isEnterprise ? 'ACTIVE' : null, website: website ?? null, partner_id: null, user_id: null });
      } catch (error) {
        if (isSlugTaken(error)) throw new Failure('CONFLICT', 'An enterprise of that slug exists already', { path: ['slug'] });
        throw error;
      }
      return id;
    },
  };
}
