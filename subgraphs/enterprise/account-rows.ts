import type { BusinessType, SubscriptionStatus } from '../../schema/types/enterprise.ts';
import type { AccountId } from '../ids.ts';
import type { AccountKind } from '../subgraph.ts';

export type AccountRow = {
  id: AccountId; kind: AccountKind; name: string; slug: string | null; businessType: BusinessType | null; subscriptionStatus: SubscriptionStatus | null;
  website: string | null; partnerId: AccountId | null; createdAt: Date;
};
export const accountColumns = [
  'account.id', 'kind', 'name', 'slug', 'business_type as businessType', 'subscription_status as subscriptionStatus', 'website', 'partner_id as partnerId', 'account.created_at as createdAt',
] as const;
