import { Failure } from '../../schema/failures.ts';
import type { AddClientMediaInput, CreateClientInput, ImageIssue } from '../../schema/types/enterprise.ts';
import type { ClientRow } from '../clients.ts';
import { type AccountId, newClientId, newMediaId, parseClientId, parseUploadId } from '../ids.ts';
import { examinePicture } from '../images.ts';
import { type CountedPage, countedPage, pageRequest } from '../paging.ts';
import type { Platform } from '../platform.ts';
import type { Caller } from '../subgraph.ts';
import { EngineFault } from '../vision/engine.ts';
import { once } from './once.ts';
import { clientKeys, fileNameOf } from './rules.ts';
import type { MediaRow, Store } from './store.ts';

/**
 * Adds a client to the calling business.
 * @throws Failure VALIDATION; FORBIDDEN for an account that is no business; CONFLICT with `existingId` when the e-mail address or the number is known.
 */
export async function createClient(store: Store, { accountId, accountKind, keyId }: Caller, input: CreateClientInput, id = newClientId()): Promise<ClientRow> {
  if (accountKind !== 'enterprise') throw new Failure('FORBIDDEN', 'Only an enterprise has clients');
  const { emailKey, phoneKey } = clientKeys(input);
  const client = { email: input.email ?? null, email_key: emailKey, name: input.name ?? null, phone_number: input.phoneNumber ?? null, phone_key: phoneKey };
  const inserted = await store.insertClient(accountId, keyId, { ...client, id, source: input.source ?? 'api' });
  if (inserted) return inserted;
  const twin = await store.findTwin(accountId, emailKey, phoneKey);
  const field = twin && emailKey !== null && twin.email?.trim().toLowerCase() === emailKey ? 'email' : 'phoneNumber';
  throw new Failure('CONFLICT', `Client with this ${field === 'email' ? 'email' : 'phone number'} already exists for this enterprise`, { path: ['input', field], ...(twin && { existingId: twin.id }) });
}

/** The same, once for an idempotency key. @throws Failure IDEMPOTENCY_CONFLICT as well. */
export async function createClientOnce(parts: Pick<Platform, 'connection'> & { store: Store }, caller: Caller, input: CreateClientInput): Promise<ClientRow> {
  const id = newClientId();
  return once(parts, caller.accountId, { operation: 'createClient', input }, id, {
    work: () => createClient(parts.store, caller, input, id),
    replay: async (earlier) => (await parts.store.findClients(caller.accountId, [earlier]))[0] ?? null,
  });
}

type ClientsArguments = { first?: number | null; after?: string | null; page?: number | null; search?: string | null };

/** A business's clients, newest first. `search` is a part of the e-mail address. */
export async function pageOfClients(store: Store, id: AccountId, args: ClientsArguments): Promise<CountedPage<ClientRow>> {
  const request = pageRequest(args, 10);
  const { rows, total } = await store.listClients(id, args.search?.trim() || null, request);
  return countedPage(rows, request, (client) => client.id, async () => total);
}

type MediaParts = Pick<Platform, 'blobs' | 'vision' | 'log'> & { store: Store };

/**
 * Makes a client's photo of bytes that were sent before.
 * @throws Failure NOT_FOUND for the client or the bytes; IMAGE_REJECTED; UNAVAILABLE, and then the upload can be used again.
 */
export async function addMedia({ store, blobs, vision, log }: MediaParts, { accountId }: Caller, clientId: string, input: AddClientMediaInput, signal?: AbortSignal): Promise<MediaRow> {
  const id = parseClientId(clientId);
  const [client] = id ? await store.findClients(accountId, [id]) : [];
  if (!client) throw noClient();
  const uploadId = parseUploadId(input.uploadId);
  const bytes = uploadId && (await blobs.takeStaged(accountId, uploadId));
  if (!bytes) throw new Failure('NOT_FOUND', 'No bytes were sent for this upload, or they were used already', { path: ['input', 'uploadId'] });
  const examined = await examinePicture(vision, bytes, signal ? { signal } : {}).catch(async (error: unknown) => {
    await blobs.restoreStaged(accountId, uploadId, bytes);
    if (!(error instanceof EngineFault)) throw error;
    log.warn({ err: error }, 'a photo was not looked at');
    throw new Failure('UNAVAILABLE', 'The image could not be looked at in time. Please try again.');
  });
  if (!examined.accepted) throw new Failure('IMAGE_REJECTED', examined.message, { path: ['input', 'uploadId'], issues: examined.issues satisfies readonly ImageIssue[] });
  const blobKey = await blobs.put(examined.jpeg, { contentType: 'image/jpeg' });
  const mediaId = newMediaId();
  const row = await store.insertMedia(accountId, { id: mediaId, client_id: client.id, blob_key: blobKey, file_name: fileNameOf(input.fileName) ?? `img-${mediaId.slice(-6).toLowerCase()}`, source: 'upload' })
    .catch(async (error: unknown) => {
      await blobs.delete(blobKey);
      throw error;
    });
  if (row) return row;
  // Erased meanwhile.
  await blobs.delete(blobKey);
  throw noClient();
}

const noClient = (): Failure => new Failure('NOT_FOUND', 'Client not found', { path: ['clientId'] });
