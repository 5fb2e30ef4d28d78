import { Failure } from '../../schema/failures.ts';
import type { AddClientMediaInput, CreateClientInput, ImageIssue } from '../../schema/types/enterprise.ts';
import type { BlobKey } from '../blobs.ts';
import type { ClientRow } from '../clients.ts';
import { type AccountId, type MediaId, newClientId, newMediaId, parseClientId } from '../ids.ts';
import { examinePicture } from '../images.ts';
import { type CountedPage, countedPage, pageRequest } from '../paging.ts';
import type { Platform } from '../platform.ts';
import type { Keyed } from '../requests.ts';
import { withStaged } from '../staged.ts';
import type { Caller } from '../subgraph.ts';
import { EngineFault } from '../vision/engine.ts';
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
export async function createClientOnce({ requests, store }: Pick<Platform, 'requests'> & { store: Store }, caller: Caller, input: CreateClientInput, keyed: Keyed | null): Promise<ClientRow> {
  const id = newClientId();
  return requests.once(caller.accountId, keyed, id, {
    work: () => createClient(store, caller, input, id),
    replay: async (earlier) => (await store.findClients(caller.accountId, [earlier]))[0] ?? null,
  });
}

type ClientsArguments = { first?: number | null; after?: string | null; page?: number | null; search?: string | null };

/** A business's clients, newest first. `search` is a part of the e-mail address. */
export async function pageOfClients(store: Store, id: AccountId, args: ClientsArguments): Promise<CountedPage<ClientRow>> {
  const request = pageRequest(args, 10);
  const { rows, total } = await store.listClients(id, args.search?.trim() || null, request);
  return countedPage(rows, request, (client) => client.id, async () => total);
}

type MediaParts = Pick<Platform, 'blobs' | 'connection' | 'vision' | 'log' | 'requests'> & { store: Store };
type NewMedia = AddClientMediaInput & { clientId: string };

/**
 * Makes a client's photo of bytes that were sent before.
 * @throws Failure NOT_FOUND for the client or the bytes; IMAGE_REJECTED; IDEMPOTENCY_CONFLICT; UNAVAILABLE, and then the upload can be used again.
 */
export async function addMedia(parts: MediaParts, { accountId }: Caller, input: NewMedia, keyed: Keyed | null, signal?: AbortSignal): Promise<MediaRow> {
  const { requests, store } = parts;
  const replay = async (earlier: MediaId): Promise<MediaRow | null> => (await store.findMedia(accountId, [earlier]))[0] ?? null;
  // Before all else: a repeated request is answered even when its upload was used.
  const earlier = await requests.findEarlier(accountId, keyed, replay);
  if (earlier) return earlier;
  const clientId = parseClientId(input.clientId);
  const [client] = clientId ? await store.findClients(accountId, [clientId]) : [];
  if (!client) throw noClient();
  return withStaged(parts, accountId, { uploadId: input.uploadId, path: ['input', 'uploadId'], keyed, replay }, async (bytes) => {
    const id = newMediaId();
    return withPhoto(parts, bytes, signal, async (blobKey, kept) => requests.once(accountId, keyed, id, {
      async work() {
        const row = await store.insertMedia(accountId, { id, client_id: client.id, blob_key: blobKey, file_name: fileNameOf(input.fileName) ?? `img-${id.slice(-6).toLowerCase()}`, source: 'upload' });
        // Null: erased meanwhile.
        if (!row) throw noClient();
        parts.connection.afterCommit(kept);
        return row;
      },
      replay,
    }));
  });
}

/** Checks a photo and stores its file, and deletes the file again unless the photo was kept. */
async function withPhoto<Result>({ blobs, vision, log }: MediaParts, bytes: Uint8Array, signal: AbortSignal | undefined, work: (blobKey: BlobKey, kept: () => void) => Promise<Result>): Promise<Result> {
  const examined = await examinePicture(vision, bytes, signal ? { signal } : {}).catch((error: unknown) => {
    if (!(error instanceof EngineFault)) throw error;
    log.warn({ err: error }, 'a photo was not looked at');
    throw new Failure('UNAVAILABLE', 'The image could not be looked at in time. Please try again.');
  });
  if (!examined.accepted) throw new Failure('IMAGE_REJECTED', examined.message, { path: ['input', 'uploadId'], issues: examined.issues satisfies readonly ImageIssue[] });
  const blobKey = await blobs.put(examined.jpeg, { contentType: 'image/jpeg' });
  let isKept = false;
  try {
    return await work(blobKey, () => (isKept = true));
  } finally {
    if (!isKept) await blobs.delete(blobKey);
  }
}

const noClient = (): Failure => new Failure('NOT_FOUND', 'Client not found', { path: ['clientId'] });
