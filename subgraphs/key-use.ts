import { sql } from 'kysely';
import type { Connection } from './database.ts';
import type { KeyId } from './ids.ts';

const flushAfterMs = 5000;
const leastBetweenMs = 60_000;
const mostRemembered = 10_000;

/**
 * When each key was last used, written lazily: at most once a minute per key, many keys in one statement.
 * It also remembers which keys this process has seen in use, to find out which of them are gone after missed notifications.
 */
export class KeyUse {
  readonly #connection: Connection;
  /** When the last use was last written, as far as it is known here. */
  readonly #seen = new Map<KeyId, number>();
  readonly #unwritten = new Map<KeyId, Date>();
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> = Promise.resolve();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  mark(keyId: KeyId, writtenAt: Date | null): void {
    const now = Date.now();
    const last = Math.max(this.#seen.get(keyId) ?? 0, writtenAt?.getTime() ?? 0);
    const isDue = now - last >= leastBetweenMs;
    if (isDue || !this.#seen.has(keyId)) this.#remember(keyId, isDue ? now : last);
    if (!isDue) return;
    this.#unwritten.set(keyId, new Date(now));
    this.#timer ??= this.#connection.detached(() => setTimeout(() => void this.#flush(), flushAfterMs).unref());
  }

  forget(keyId: KeyId): void {
    this.#seen.delete(keyId);
    this.#unwritten.delete(keyId);
  }

  /** Keys that were used here and no longer exist. */
  async findGone(): Promise<KeyId[]> {
    const ids = [...this.#seen.keys()];
    const { rows } = await sql<{ id: KeyId }>`select id from enterprise.api_key where id in (select jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb))`.execute(this.#connection.store('enterprise')());
    const present = new Set(rows.map(({ id }) => id));
    return ids.filter((id) => !present.has(id));
  }

  async close(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    await this.#flush();
  }

  #flush(): Promise<void> {
    this.#timer = null;
    // A last use that cannot be written is not worth a failure of whoever used the key.
    this.#writing = this.#writing.then(() => this.#write()).catch(() => {});
    return this.#writing;
  }

  async #write(): Promise<void> {
    const batch = [...this.#unwritten];
    this.#unwritten.clear();
    if (batch.length === 0) return;
    await sql`update enterprise.api_key set last_used_at = used.at from jsonb_to_recordset(${JSON.stringify(batch.map(([id, at]) => ({ id, at })))}::jsonb) as used (id text, at timestamptz)
      where api_key.id = used.id`.execute(this.#connection.store('enterprise')());
  }

  #remember(keyId: KeyId, at: number): void {
    this.#seen.delete(keyId);
    this.#seen.set(keyId, at);
    const oldest = this.#seen.keys().next();
    if (this.#seen.size > mostRemembered && !oldest.done) this.#seen.delete(oldest.value);
  }
}
