import type { ClientRow } from '../clients.ts';
import type { Balance, Credits, LedgerRow } from '../credits.ts';
import type { AccountId, GenerationId } from '../ids.ts';
import type { ApiKey, Keys } from '../keys.ts';
import type { Caller, RequestContext } from '../subgraph.ts';
import type { Loaders } from './loaders.ts';
import type { AccountRow, Store } from './store.ts';

/** What every resolver of this subgraph is given. */
export type Context = RequestContext & { store: Store; keys: Keys; credits: Credits; loaders: Loaders };

export type AccountModel = AccountRow;
export type PersonalAccountModel = AccountRow;
export type EnterpriseModel = AccountRow;
export type OrganizationModel = AccountRow;
export type PartnerAccountModel = AccountRow;
export type ClientModel = ClientRow;
export type ApiKeyModel = ApiKey;
export type CreditBalanceModel = Balance & { accountId: AccountId };
export type LedgerEntryModel = LedgerRow;
export type HairstyleGenerationModel = { id: GenerationId };
export type ViewerModel = Caller;
