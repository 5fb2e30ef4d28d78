import assert from 'node:assert/strict';
import { type Generated, type Insertable, sql } from 'kysely';
import { Failure } from '../schema/failures.ts';
import type { Connection, Store } from './database.ts';
import { type AccountId, type KeyId, newLineId } from './ids.ts';
import type { PageRequest } from './paging.ts';

type BalanceTable = { account_id: AccountId; available: number; reserved: number };
type LedgerTable = { id: string; account_id: AccountId; job_id: string | null; kind: LedgerKind; amount: number; reason: string; at: Generated<Date>; key_id: KeyId | null };
/** Tables of the books, in the schema `enterprise`. */
export type CreditTables = { balance: BalanceTable; ledger: LedgerTable };

export type LedgerKind = 'grant' | 'reserve' | 'consume' | 'release';
export type Balance = { available: number; reserved: number };
/** One line of the book. `amount` is positive; the kind says which way. Ids ascend with time. */
export type LedgerRow = { id: string; accountId: AccountId; jobId: string | null; kind: LedgerKind; amount: number; reason: string; at: Date; /** The key whose job it was. */ keyId: KeyId | null };
/** What one key spent on one day of UTC, `2026-01-15`, and on how many jobs. */
export type UsageRow = { day: string; keyId: KeyId | null; credits: number; jobs: number };

/** The books: an append-only ledger, and its sums in one row per account, changed together. */
export type Credits = {
  grant(accountId: AccountId, amount: number, reason: string): Promise<void>;
  /**
   * Holds credits for a job, in the caller's transaction. Nothing is written for 0, nor when the job holds some already.
   * @throws Failure INSUFFICIENT_CREDITS with `required` and `available`.
   */
  reserve(accountId: AccountId, jobId: string, amount: number, reason: string, keyId?: KeyId | null): Promise<void>;
  /**
   * Holds one credit for each of these jobs, none of which holds any, in the caller's transaction, as far as the credits reach: for the first
   * ones, and gives how many those are.
   */
  reserveEach(accountId: AccountId, jobIds: readonly string[], reason: string, keyId?: KeyId | null): Promise<number>;
  /** Spends what the job holds. Nothing happens when it holds nothing, or no longer. */
  consume(jobId: string): Promise<void>;
  /** Gives back what the job holds; whether it held something. */
  release(jobId: string): Promise<boolean>;
  balance(accountId: AccountId): Promise<Balance>;
  /** Newest first; `after` is a line's id. */
  ledger(accountId: AccountId, page: PageRequest): Promise<LedgerRow[]>;
  /** The lines of a job, oldest first. */
  charges(accountId: AccountId, jobId: string): Promise<LedgerRow[]>;
  chargesOf(accountId: AccountId, jobIds: readonly string[]): Promise<LedgerRow[]>;
  /** What was spent since a moment, newest day first, keys in order. */
  usage(accountId: AccountId, since: Date): Promise<UsageRow[]>;
};

const columns = ['id', 'account_id as accountId', 'job_id as jobId', 'kind', 'amount', 'reason', 'at', 'key_id as keyId'] as const;

export function createCredits(connection: Connection): Credits {
  const store = connection.store<CreditTables>('enterprise');
  return { ...writing(connection, createBook(store)), ...reading(store) };
}

type Book = ReturnType<typeof createBook>;

function createBook(store: Store<CreditTables>) {
  return {
    /** Everything that changes an account's books waits here for whoever is changing them. Null: the account has none. */
    lock: async (accountId: AccountId): Promise<Balance | null> =>
      (await store().selectFrom('balance').select(['available', 'reserved']).where('account_id', '=', accountId).forUpdate().executeTakeFirst()) ?? null,
    open: async (accountId: AccountId): Promise<void> => {
      await store().insertInto('balance').values({ account_id: accountId, available: 0, reserved: 0 }).onConflict((conflict) => conflict.doNothing()).execute();
    },
    linesOf: (jobId: string): Promise<LedgerRow[]> => store().selectFrom('ledger').select(columns).where('job_id', '=', jobId).orderBy('id').execute(),
    /** Lines of one account, and what they change in the sums. */
    write: async (change: Balance, ...lines: [NewLine, ...NewLine[]]): Promise<void> => {
      await store().updateTable('balance').where('account_id', '=', lines[0].account_id)
        .set(({ eb }) => ({ available: eb('available', '+', change.available), reserved: eb('reserved', '+', change.reserved) })).executeTakeFirstOrThrow();
      await store().insertInto('ledger').values(lines.map((line) => ({ ...line, id: newLineId() }))).execute();
    },
  };
}

type NewLine = Omit<Insertable<LedgerTable>, 'id'>;

function writing(connection: Connection, book: Book): Pick<Credits, 'grant' | 'reserve' | 'reserveEach' | 'consume' | 'release'> {
  const settle = (jobId: string, kind: 'consume' | 'release'): Promise<boolean> => connection.transaction(async () => {
    const [reserved] = await book.linesOf(jobId);
    if (!reserved) return false;
    await book.lock(reserved.accountId);
    if ((await book.linesOf(jobId)).length > 1) return false;
    const { accountId, amount, reason, keyId } = reserved;
    await book.write({ available: kind === 'release' ? amount : 0, reserved: -amount }, { account_id: accountId, job_id: jobId, kind, amount, reason, key_id: keyId });
    return true;
  });
  return {
    grant: (accountId, amount, reason) => connection.transaction(async () => {
      assert(Number.isInteger(amount) && amount > 0, 'a grant is a positive whole number');
      await book.open(accountId);
      await book.write({ available: amount, reserved: 0 }, { account_id: accountId, job_id: null, kind: 'grant', amount, reason, key_id: null });
    }),
    reserve: (accountId, jobId, amount, reason, keyId = null) => connection.transaction(async () => {
      assert(Number.isInteger(amount) && amount >= 0, 'a cost is a whole number');
      if (amount === 0) return;
      const available = (await book.lock(accountId))?.available ?? 0;
      if ((await book.linesOf(jobId)).length > 0) return;
      if (available < amount) throw new Failure('INSUFFICIENT_CREDITS', `Insufficient credits: ${amount} required, ${available} available`, { required: amount, available });
      await book.write({ available: -amount, reserved: amount }, { account_id: accountId, job_id: jobId, kind: 'reserve', amount, reason, key_id: keyId });
    }),
    reserveEach: (accountId, jobIds, reason, keyId = null) => connection.transaction(async () => {
      const available = (await book.lock(accountId))?.available ?? 0;
      const [first, ...rest] = jobIds.slice(0, available).map((jobId): NewLine => ({ account_id: accountId, job_id: jobId, kind: 'reserve', amount: 1, reason, key_id: keyId }));
      if (!first) return 0;
      const held = rest.length + 1;
      await book.write({ available: -held, reserved: held }, first, ...rest);
      return held;
    }),
    consume: async (jobId) => void (await settle(jobId, 'consume')),
    release: (jobId) => settle(jobId, 'release'),
  };
}

function reading(store: Store<CreditTables>): Pick<Credits, 'balance' | 'ledger' | 'charges' | 'chargesOf' | 'usage'> {
  const lines = (accountId: AccountId) => store().selectFrom('ledger').select(columns).where('account_id', '=', accountId);
  return {
    async balance(accountId) {
      const row = await store().selectFrom('balance').select(['available', 'reserved']).where('account_id', '=', accountId).executeTakeFirst();
      return row ?? { available: 0, reserved: 0 };
    },
    ledger: (accountId, { limit, after }) => (after === null ? lines(accountId) : lines(accountId).where('id', '<', after)).orderBy('id', 'desc').limit(limit).execute(),
    charges: (accountId, jobId) => lines(accountId).where('job_id', '=', jobId).orderBy('id').execute(),
    chargesOf: (accountId, jobIds) => lines(accountId).where('job_id', 'in', jobIds).orderBy('id').execute(),
    async usage(accountId, since) {
      const { rows } = await sql<UsageRow>`select to_char(at at time zone 'UTC', 'YYYY-MM-DD') as day, key_id as "keyId", sum(amount)::int as credits, count(*)::int as jobs
        from enterprise.ledger where account_id = ${accountId} and kind = 'consume' and at >= ${since} group by 1, 2 order by 1 desc, 2`.execute(store());
      return rows;
    },
  };
}
