import { Failure } from '../../schema/failures.ts';
import type { EraseSubject, ErasureRow } from '../erasures.ts';
import { parseClientId } from '../ids.ts';
import type { Platform } from '../platform.ts';
import type { Caller } from '../subgraph.ts';
import type { Store } from './store.ts';

/**
 * Removes a client at once from all lists, and in a job everything else that is kept of it anywhere.
 * @throws Failure NOT_FOUND.
 */
export async function eraseClient({ connection, erasures, store }: Pick<Platform, 'connection' | 'erasures'> & { store: Store }, { accountId }: Caller, id: string): Promise<ErasureRow> {
  const clientId = parseClientId(id);
  const erasure = clientId && (await connection.transaction(async () => {
    const isRemoved = await store.deleteClient(accountId, clientId);
    return isRemoved ? erasures.request('enterprise', { accountId, clientId }, { rows: 1, files: 0 }) : null;
  }));
  if (!erasure) throw new Failure('NOT_FOUND', 'Client not found', { path: ['id'] });
  return erasure;
}

/** The media of a client. The files of pictures that were made belong to those who made them, and count there. */
export function mediaEraser({ connection, blobs, store }: Pick<Platform, 'connection' | 'blobs'> & { store: Store }): EraseSubject {
  return async ({ accountId, clientId }, settle) => {
    for (const blobKey of await store.listMediaFiles(accountId, clientId)) await blobs.delete(blobKey);
    await connection.transaction(async () => {
      const sources = await store.deleteMedia(accountId, clientId);
      await settle({ rows: sources.length, files: sources.filter((source) => source === 'upload').length }, []);
    });
  };
}
