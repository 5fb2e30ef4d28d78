import type { KeyId } from '../subgraphs/ids.ts';
import type { Keys } from '../subgraphs/keys.ts';

/** Streams and sockets that are open, by the key they were opened with. */
export type Openings = {
  /** `close` is called when the key is deleted or the server stops; call the result when the stream has ended by itself. */
  track(keyId: KeyId | null, close: (why: 'key deleted' | 'going away') => void): () => void;
  /** Closes all, in batches so that a thousand clients do not come back in the same instant. */
  closeAll(): Promise<void>;
  size(): number;
};

const batchSize = 200;
const betweenBatchesMs = 100;

type Opening = { keyId: KeyId | null; close: (why: 'key deleted' | 'going away') => void };

export function createOpenings(keys: Pick<Keys, 'onDeleted'>): Openings {
  const open = new Set<Opening>();
  const stopListening = keys.onDeleted((keyId) => {
    for (const opening of open) if (opening.keyId === keyId) opening.close('key deleted');
  });
  return {
    track(keyId, close) {
      const opening = { keyId, close };
      open.add(opening);
      return () => void open.delete(opening);
    },
    async closeAll() {
      stopListening();
      const all = [...open];
      for (let start = 0; start < all.length; start += batchSize) {
        if (start > 0) await new Promise((resolve) => setTimeout(resolve, betweenBatchesMs));
        for (const opening of all.slice(start, start + batchSize)) opening.close('going away');
      }
    },
    size: () => open.size,
  };
}
