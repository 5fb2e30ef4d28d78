import type { Generated } from 'kysely';
import type { BusinessType, SubscriptionStatus } from '../../schema/types/enterprise.ts';
import type { ClientTables } from '../clients.ts';
import type { CreditTables } from '../credits.ts';
import type { AccountId, LinkId, UserId } from '../ids.ts';
import type { KeyTables } from '../keys.ts';
import type { AccountKind } from '../subgraph.ts';

type AccountTable = {
  id: AccountId;
  kind: AccountKind;
  name: string;
  /** Set exactly for an enterprise, as are `business_type` and `subscription_status`. */
  slug: string | null;
  business_type: BusinessType | null;
  subscription_status: SubscriptionStatus | null;
  website: string | null;
  /** Who created the enterprise for its owner. */
  partner_id: AccountId | null;
  /** Whose personal account it is. */
  user_id: UserId | null;
  created_at: Generated<Date>;
};

export type Role = 'business_owner' | 'admin' | 'staff';

/** The tables of the schema `enterprise`. Keys, credits and clients are also read by what all subgraphs share. */
export type Tables = Omit<KeyTables, 'account'> & CreditTables & ClientTables & {
  account: AccountTable;
  /** `signed_in_at`: when the address was last shown to be theirs. */
  user: { id: UserId; email: string; email_key: string; created_at: Generated<Date>; signed_in_at: Date | null };
  sign_in_link: { id: LinkId; email_key: string; token_sha256: string; expires_at: Date };
  membership: { account_id: AccountId; user_id: UserId; role: Role; created_at: Generated<Date> };
  widget: { id: Generated<number>; account_id: AccountId; enabled: boolean; created_at: Generated<Date> };
};
