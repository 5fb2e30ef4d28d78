import type { Generated } from 'kysely';
import type { BusinessType } from '../../schema/types/enterprise.ts';
import type { ClientTables } from '../clients.ts';
import type { CreditTables } from '../credits.ts';
import type { AccountId } from '../ids.ts';
import type { KeyTables } from '../keys.ts';
import type { AccountKind } from '../subgraph.ts';

type AccountTable = {
  id: AccountId;
  kind: AccountKind;
  name: string;
  /** Set exactly for an enterprise, as is `business_type`. */
  slug: string | null;
  business_type: BusinessType | null;
  website: string | null;
  created_at: Generated<Date>;
};

/** The tables of the schema `enterprise`. Keys, credits and clients are also read by what all subgraphs share. */
export type Tables = Omit<KeyTables, 'account'> & CreditTables & ClientTables & { account: AccountTable };
