import type { ApiLogRow } from '../api-logs.ts';
import type { BlobStore } from '../blobs.ts';
import type { ClientRow } from '../clients.ts';
import type { Balance, Credits, LedgerRow, UsageRow } from '../credits.ts';
import type { ErasureRow } from '../erasures.ts';
import type { AccountId, GenerationId } from '../ids.ts';
import type { ApiKey, Keys } from '../keys.ts';
import type { Platform } from '../platform.ts';
import type { Caller, RequestContext, Stopped } from '../subgraph.ts';
import type { AttemptRow, DeliveryRow, EndpointRow, EndpointStore } from './endpoint-store.ts';
import type { Loaders } from './loaders.ts';
import type { AccountRow, MediaRow, MemberRow, MembershipRow, Store, UserRow, WidgetRow } from './store.ts';

/** What every resolver of this subgraph is given. */
export type Context = RequestContext & { store: Store; keys: Keys; credits: Credits; blobs: BlobStore; platform: Platform; stopped: Stopped; loaders: Loaders; endpoints: EndpointStore };

export type AccountModel = AccountRow;
export type PersonalAccountModel = AccountRow;
export type EnterpriseModel = AccountRow;
export type OrganizationModel = AccountRow;
export type PartnerAccountModel = AccountRow;
export type ClientModel = ClientRow;
export type ClientMediaModel = MediaRow;
export type ErasureModel = ErasureRow;
export type UserModel = UserRow;
export type WidgetModel = WidgetRow;
export type ApiKeyModel = ApiKey;
export type ApiLogModel = ApiLogRow;
export type CreditBalanceModel = Balance & { accountId: AccountId };
export type CreditUsageModel = UsageRow;
export type LedgerEntryModel = LedgerRow;
export type HairstyleGenerationModel = { id: GenerationId };
export type ViewerModel = Caller;
export type MemberModel = MemberRow;
export type MembershipModel = MembershipRow;
export type SessionModel = ApiKey;
export type WebhookEndpointModel = EndpointRow;
export type WebhookDeliveryModel = DeliveryRow;
export type WebhookAttemptModel = AttemptRow;
