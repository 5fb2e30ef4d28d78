import { Failure } from '../../schema/failures.ts';
import type { EraseSubject, ErasureRow } from '../erasures.ts';
import { newErasureId, parseClientId } from '../ids.ts';
import type { Platform } from '../platform.ts';
import type { Keyed } from '../requests.ts';
import type { Caller } from '../subgraph.ts';
import type { Store } from './store.ts';

/**
 * Removes a client at once from all lists, and in a job everything else that is kept of it anywhere.
 * @throws Failure NOT_FOUND.
 */
export async function eraseClient({ erasures, requests, store }: Pick<Platform, 'erasures' | 'requests'> & { store: Store }, { accountId }: Caller, given: string, keyed: Keyed | null): Promise<ErasureRow> {
  const clientId = parseClientId(given);
  const id = newErasureId();
  return requests.once(accountId, keyed, id, {
    async work() {
      if (!clientId || !(await store.deleteClient(accountId, clientId))) throw new Failure('NOT_FOUND', 'Client not found', { path: ['id'] });
      await requests.forget(accountId, [clientId]);
      return erasures.request('enterprise', { accountId, clientId, id }, { rows: 1, files: 0 });
    },
    replay: async (earlier) => erasures.find(accountId, earlier),
  });
}

/** The media of a client. The files of pictures that were made belong to those who made them, and count there. */
export function mediaEraser({ connection, blobs, requests, store }: Pick<Platform, 'connection' | 'blobs' | 'requests'> & { store: Store }): EraseSubject {
  return async ({ accountId, clientId }, settle) => {
    for (const blobKey of await store.listMediaFiles(accountId, clientId)) await blobs.delete(blobKey);
    await connection.transaction(async () => {
      const media = await store.deleteMedia(accountId, clientId);
      await requests.forget(accountId, media.map(({ id }) => id));
      await settle({ rows: media.length, files: media.filter(({ source }) => source === 'upload').length }, []);
    });
  };
}
