import type { Connection } from './database.ts';
import type { KeyId } from './ids.ts';

/** What a timer can wait at most; then it looks again. */
const longestWaitMs = 2 ** 31 - 1;
/** Beyond that many at once, those that are new are not watched: they are refused from then on all the same, and only what is open goes on. */
const mostWatched = 100_000;

/** Tells when a key or a session that was used in this process expires, for what was opened with it must end then. */
export class KeyExpiry {
  readonly #connection: Connection;
  readonly #expired: (keyId: KeyId) => void;
  readonly #moments = new Map<KeyId, number>();
  #timer: NodeJS.Timeout | null = null;
  #next = Infinity;

  constructor(connection: Connection, expired: (keyId: KeyId) => void) {
    this.#connection = connection;
    this.#expired = expired;
  }

  watch(keyId: KeyId, expiresAt: Date | null): void {
    if (expiresAt === null || this.#moments.has(keyId) || this.#moments.size >= mostWatched) return;
    this.#moments.set(keyId, expiresAt.getTime());
    if (expiresAt.getTime() < this.#next) this.#wait(expiresAt.getTime());
  }

  forget(keyId: KeyId): void {
    this.#moments.delete(keyId);
  }

  close(): void {
    this.#moments.clear();
    this.#wait(Infinity);
  }

  #wait(until: number): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#next = until;
    if (until === Infinity) return;
    this.#timer = this.#connection.detached(() => setTimeout(() => this.#look(), Math.min(Math.max(0, until - Date.now()), longestWaitMs)).unref());
  }

  #look(): void {
    const now = Date.now();
    const over = [...this.#moments].filter(([, moment]) => moment <= now);
    for (const [keyId] of over) {
      this.#moments.delete(keyId);
      this.#expired(keyId);
    }
    this.#wait([...this.#moments.values()].reduce((earliest, moment) => Math.min(earliest, moment), Infinity));
  }
}
