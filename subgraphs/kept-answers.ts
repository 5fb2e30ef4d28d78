import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { Failure } from '../schema/failures.ts';
import type { Connection } from './database.ts';
import type { AccountId } from './ids.ts';
import type { Idempotency } from './subgraph.ts';

/** An answer over HTTP, as far as it is given again. */
export type KeptAnswer = { status: number; headers: Readonly<Record<string, string>>; body: string };
/** A request with an idempotency key. `operation`: method and path. `content`: all that decides what is asked for. */
export type KeyedRequest = { accountId: AccountId; operation: string; key: string; content: string };

/** Refused because the first request with the same idempotency key is being answered. */
export class StillRunning extends Error {
  readonly retryAfterSeconds: number;

  constructor(retryAfterSeconds: number) {
    super('The first request with this Idempotency-Key is still running');
    this.name = 'StillRunning';
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/**
 * Answers that were given for an idempotency key, to be given again. That a request is done once is seen to in the transaction of what it does; this is so that the
 * repetition reads what the first one read, and so that two do not run at once.
 */
export type KeptAnswers = {
  /**
   * The kept answer, or the one that `work` gives, which is kept when it says so: what was refused changed nothing, and its key is free.
   * @throws StillRunning; Failure IDEMPOTENCY_CONFLICT when the key came with another request.
   */
  answerOnce(request: KeyedRequest, work: () => Promise<{ answer: KeptAnswer; isKept: boolean }>): Promise<KeptAnswer & { replayed: boolean }>;
  trim(): Promise<void>;
  /** For who owns the database alone: nobody is at work on a request. */
  giveAllFree(): Promise<void>;
};

/** What subgraphs are told of it, to write down with what they do. */
export function idempotencyOf({ operation, key, content }: Pick<KeyedRequest, 'operation' | 'key' | 'content'>): Idempotency {
  const hash = (text: string, coding: 'hex' | 'base64url'): string => createHash('sha256').update(text).digest(coding);
  return { key: hash(`${operation}\n${key}`, 'base64url'), fingerprint: hash(content, 'hex') };
}

type Row = { fingerprint: string; status: number | null; sealed: Uint8Array | null; leftSeconds: number };

/** Who does not say for so long that it is at work was killed. */
const claimMs = 9_000;

/** `keptMs`: how long answers are kept, as all times here by the database's clock. */
export function createKeptAnswers(connection: Connection, { secret, keptMs }: { secret: () => string; keptMs: number }): KeptAnswers {
  const claim = async ({ accountId, operation, key }: KeyedRequest, fingerprint: string): Promise<Row | null> => {
    const ids = [accountId, operation, key];
    for (;;) {
      const [claimed] = await connection.execute(
        `insert into enterprise.kept_answer as kept (account_id, operation, key, fingerprint, claimed_until, created_at) values ($1, $2, $3, $4, clock_timestamp() + make_interval(secs => $5), clock_timestamp())
         on conflict (account_id, operation, key) do update set fingerprint = excluded.fingerprint, status = null, sealed = null, claimed_until = excluded.claimed_until, created_at = excluded.created_at
         where kept.created_at < clock_timestamp() - make_interval(secs => $6) or (kept.status is null and kept.claimed_until < clock_timestamp() and kept.fingerprint = excluded.fingerprint) returning key`, [...ids, fingerprint, claimMs / 1000, keptMs / 1000]);
      if (claimed) return null;
      const [row] = await connection.execute('select fingerprint, status, sealed, extract(epoch from claimed_until - clock_timestamp())::float8 as "leftSeconds" from enterprise.kept_answer where account_id = $1 and operation = $2 and key = $3', ids);
      // None: it was given free just now.
      if (row) return row as Row;
    }
  };
  const keep = async ({ accountId, operation, key }: KeyedRequest, answer: KeptAnswer): Promise<void> => {
    const sealed = seal(secret(), JSON.stringify(answer));
    await connection.execute('update enterprise.kept_answer set status = $4, sealed = $5 where account_id = $1 and operation = $2 and key = $3', [accountId, operation, key, answer.status, sealed]);
  };
  const giveFree = async ({ accountId, operation, key }: KeyedRequest): Promise<void> => {
    await connection.execute('delete from enterprise.kept_answer where account_id = $1 and operation = $2 and key = $3 and status is null', [accountId, operation, key]);
  };
  const holdOn = async ({ accountId, operation, key }: KeyedRequest): Promise<void> => {
    await connection.execute('update enterprise.kept_answer set claimed_until = clock_timestamp() + make_interval(secs => $4) where account_id = $1 and operation = $2 and key = $3 and status is null', [accountId, operation, key, claimMs / 1000]);
  };
  return {
    async answerOnce(request, work) {
      const { fingerprint } = idempotencyOf(request);
      const earlier = await claim(request, fingerprint);
      if (!earlier) return once(request, work, { keep, giveFree, holdOn });
      if (earlier.fingerprint !== fingerprint) throw new Failure('IDEMPOTENCY_CONFLICT', 'This idempotency key was used with another request');
      if (!earlier.sealed) throw new StillRunning(Math.min(5, Math.max(1, Math.ceil(earlier.leftSeconds))));
      return { ...JSON.parse(open(secret(), earlier.sealed)) as KeptAnswer, replayed: true };
    },
    giveAllFree: async () => void (await connection.execute('delete from enterprise.kept_answer where status is null')),
    trim: async () => void (await connection.execute('delete from enterprise.kept_answer where created_at < clock_timestamp() - make_interval(secs => $1)', [keptMs / 1000])),
  };
}

type Ends = { keep(request: KeyedRequest, answer: KeptAnswer): Promise<void>; giveFree(request: KeyedRequest): Promise<void>; holdOn(request: KeyedRequest): Promise<void> };

async function once(request: KeyedRequest, work: () => Promise<{ answer: KeptAnswer; isKept: boolean }>, { keep, giveFree, holdOn }: Ends): Promise<KeptAnswer & { replayed: boolean }> {
  // Whoever is killed does not say so any more.
  const beat = setInterval(() => void holdOn(request).catch(() => {}), claimMs / 3).unref();
  try {
    const { answer, isKept } = await work();
    await (isKept ? keep(request, answer) : giveFree(request));
    return { ...answer, replayed: false };
  } catch (error) {
    await giveFree(request);
    throw error;
  } finally {
    clearInterval(beat);
  }
}

const nonceBytes = 12;
const tagBytes = 16;
const keyOf = (secret: string): Buffer => Buffer.from(hkdfSync('sha256', secret, '', 'kept answers', 32));

function seal(secret: string, text: string): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', keyOf(secret), nonce);
  return Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
}

function open(secret: string, sealed: Uint8Array): string {
  const decipher = createDecipheriv('aes-256-gcm', keyOf(secret), sealed.subarray(0, nonceBytes));
  decipher.setAuthTag(sealed.subarray(-tagBytes));
  return Buffer.concat([decipher.update(sealed.subarray(nonceBytes, -tagBytes)), decipher.final()]).toString('utf8');
}
