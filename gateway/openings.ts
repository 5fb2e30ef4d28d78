import type { Readable } from 'node:stream';
import type { KeyId } from '../subgraphs/ids.ts';
import type { Keys } from '../subgraphs/keys.ts';
import { RecentlyUsed } from './recently-used.ts';

/** Closes a stream or a socket and says why. */
export type Closing = (why: 'key ended' | 'going away') => void;

/** Streams and sockets that are open, by the key they were opened with. */
export type Openings = {
  /** `close` is called when the key is deleted or expires, or the server stops; call the result when the stream has ended by itself. */
  track(keyId: KeyId | null, close: Closing): () => void;
  /** Closes all, in batches so that a thousand clients do not come back in the same instant; what opens from now on is closed at once. */
  closeAll(): Promise<void>;
  size(): number;
};

const betweenBatchesMs = 50;
/** Batches grow with the number of clients: all of them within two seconds. */
const mostBatches = 40;
const leastBatch = 100;
/** No stream takes so long to open that as many keys end meanwhile. */
const endedKept = 10_000;

type Opening = { keyId: KeyId | null; close: Closing };

/** Ends a streamed body: properly when the server stops, so that what was said is heard, and at once when its key is gone. */
export function closingOf(body: Readable): Closing {
  return (why) => {
    if (why === 'key ended') body.destroy();
    else if (!body.readableEnded && !body.destroyed) body.push(null);
  };
}

export function createOpenings(keys: Pick<Keys, 'onEnded'>): Openings {
  const open = new Set<Opening>();
  const ended = new RecentlyUsed<true>(endedKept);
  let isClosing = false;
  const stopListening = keys.onEnded((keyId) => {
    ended.set(keyId, true);
    for (const opening of open) if (opening.keyId === keyId) opening.close('key ended');
  });
  return {
    track(keyId, close) {
      const opening = { keyId, close };
      open.add(opening);
      // Its key was still good when it began to open.
      if (keyId !== null && ended.get(keyId)) queueMicrotask(() => close('key ended'));
      else if (isClosing) queueMicrotask(() => close('going away'));
      return () => void open.delete(opening);
    },
    async closeAll() {
      isClosing = true;
      stopListening();
      const all = [...open];
      const batchSize = Math.max(leastBatch, Math.ceil(all.length / mostBatches));
      for (let start = 0; start < all.length; start += batchSize) {
        if (start > 0) await new Promise((resolve) => setTimeout(resolve, betweenBatchesMs));
        for (const opening of all.slice(start, start + batchSize)) opening.close('going away');
      }
    },
    size: () => open.size,
  };
}
