import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Connection } from './database.ts';
import { type AccountId, type KeyId, newLogId } from './ids.ts';
import type { Logger } from './log.ts';
import type { PageRequest } from './paging.ts';

/** One request of a key. `operation` is the name of a GraphQL operation. */
export type ApiLogRow = {
  id: string; accountId: AccountId; keyId: KeyId; at: Date; requestId: string; method: string; path: string; operation: string | null; status: number; durationMs: number;
};
type ApiLogTable = {
  id: string; account_id: AccountId; key_id: KeyId; at: Date; request_id: string; method: string; path: string; operation: string | null; status: number; duration_ms: number;
};
export type ApiLogFilter = {
  keyId?: KeyId | null; method?: string | null; path?: string | null; operation?: string | null; statuses?: readonly number[] | null; requestId?: string | null; from?: Date | null; to?: Date | null;
};

/** What the keys of accounts asked for in the last 30 days. */
export type ApiLogs = {
  /** Costs the request nothing: lines are written in batches, about a second later. */
  note(line: Omit<ApiLogRow, 'id'>): void;
  /** Newest first, with all that this process has noted so far. `path` is the beginning of one. */
  list(accountId: AccountId, filter: ApiLogFilter, page: PageRequest): Promise<ApiLogRow[]>;
  /** Forgets what is older than 30 days; done by itself every hour. */
  trim(now?: Date): Promise<void>;
  /** Writes what is noted. */
  close(): Promise<void>;
};

const flushAfterMs = 1000;
const trimEveryMs = 3_600_000;
const keptMs = 30 * 24 * 3_600_000;
/** Of a database that does not answer, the newest lines are kept. */
const mostWaiting = 20_000;
const batchSize = 1000;

const columns = [
  'id', 'account_id as accountId', 'key_id as keyId', 'at', 'request_id as requestId', 'method', 'path', 'operation', 'status', 'duration_ms as durationMs',
] as const;

export function createApiLogs(connection: Connection, log: Logger): ApiLogs {
  const store = connection.store<{ api_log: ApiLogTable }>('enterprise');
  const writer = createWriter(connection, log, () => trim());
  const trim = async (now = new Date()): Promise<void> => {
    await store().deleteFrom('api_log').where('at', '<', new Date(now.getTime() - keptMs)).execute();
  };
  return {
    note: writer.note,
    trim,
    async list(accountId, { keyId, method, path, operation, statuses, requestId, from, to }, { limit, after }) {
      await writer.flush();
      let lines = store().selectFrom('api_log').select(columns).where('account_id', '=', accountId).where('at', '>=', new Date(Date.now() - keptMs)).orderBy('id', 'desc').limit(limit);
      for (const [name, value] of [['key_id', keyId], ['method', method], ['operation', operation], ['request_id', requestId]] as const) if (value) lines = lines.where(name, '=', value);
      if (path) lines = lines.where(sql<boolean>`starts_with(path, ${path})`);
      if (statuses && statuses.length > 0) lines = lines.where('status', 'in', statuses);
      if (from) lines = lines.where('at', '>=', from);
      if (to) lines = lines.where('at', '<', to);
      return (after === null ? lines : lines.where('id', '<', after)).execute();
    },
    close: writer.close,
  };
}

function createWriter(connection: Connection, log: Logger, trim: () => Promise<void>) {
  let waiting: (Omit<ApiLogTable, 'at'> & { at: string })[] = [];
  let timer: NodeJS.Timeout | null = null;
  let writing: Promise<void> = Promise.resolve();
  let trimmedAt = 0;
  const write = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, batchSize);
      await connection.execute(`insert into enterprise.api_log select * from jsonb_populate_recordset(null::enterprise.api_log, $1::jsonb) on conflict do nothing`, [JSON.stringify(batch)]);
      // More may have come meanwhile, and the oldest may have been dropped.
      const written = new Set(batch);
      waiting = waiting.filter((line) => !written.has(line));
    }
    if (Date.now() - trimmedAt < trimEveryMs) return;
    trimmedAt = Date.now();
    await trim();
  };
  const flush = (): Promise<void> => {
    if (timer) clearTimeout(timer);
    timer = null;
    writing = writing.then(() => connection.detached(write)).catch((error: unknown) => log.warn({ err: error, lines: waiting.length }, 'the API log was not written'));
    return writing;
  };
  return {
    flush,
    note(line: Omit<ApiLogRow, 'id'>): void {
      const { accountId, keyId, requestId, durationMs, at, ...rest } = line;
      waiting.push({ id: newLogId(), account_id: accountId, key_id: keyId, request_id: requestId, duration_ms: durationMs, at: at.toISOString(), ...rest });
      if (waiting.length > mostWaiting) waiting.shift();
      timer ??= connection.detached(() => setTimeout(() => void flush(), flushAfterMs).unref());
    },
    close: async (): Promise<void> => {
      // A database that does not answer must not hold up the end.
      await Promise.race([flush(), delay(5000, undefined, { ref: false })]);
    },
  };
}
