import { Failure } from '../../schema/failures.ts';
import type { CreateClientInput } from '../../schema/types/enterprise.ts';
import type { ClientRow } from '../clients.ts';
import { newClientId } from '../ids.ts';
import { type CountedPage, countedPage, pageRequest } from '../paging.ts';
import type { Caller } from '../subgraph.ts';
import type { AccountRow, Store } from './store.ts';
import { clientKeys } from './rules.ts';

/**
 * Adds a client to the calling business.
 * @throws Failure VALIDATION; FORBIDDEN for an account that is no business; CONFLICT with `existingId` when the e-mail address or the number is known.
 */
export async function createClient(store: Store, { accountId, accountKind }: Caller, input: CreateClientInput): Promise<ClientRow> {
  if (accountKind !== 'enterprise') throw new Failure('FORBIDDEN', 'Only an enterprise has clients');
  const { emailKey, phoneKey } = clientKeys(input);
  const client = { email: input.email ?? null, email_key: emailKey, name: input.name ?? null, phone_number: input.phoneNumber ?? null, phone_key: phoneKey };
  const inserted = await store.insertClient(accountId, { ...client, id: newClientId(), source: input.source ?? 'api' });
  if (inserted) return inserted;
  const twin = await store.findTwin(accountId, emailKey, phoneKey);
  const field = twin && emailKey !== null && twin.email?.trim().toLowerCase() === emailKey ? 'email' : 'phoneNumber';
  throw new Failure('CONFLICT', `A client with this ${field === 'email' ? 'e-mail address' : 'phone number'} exists already`, { path: ['input', field], ...(twin && { existingId: twin.id }) });
}

/** A business's clients, newest first. `search` is a part of the e-mail address. */
export async function pageOfClients(store: Store, { id }: AccountRow, args: { first?: number | null; after?: string | null; search?: string | null }): Promise<CountedPage<ClientRow>> {
  const request = pageRequest(args, 10);
  const search = args.search?.trim() || null;
  return countedPage(await store.listClients(id, search, request), request, (client) => client.id, () => store.countClients(id, search));
}
