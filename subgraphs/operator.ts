import { resolve } from 'node:path';
import { Failure } from '../schema/failures.ts';
import { readBackup, writeBackup } from './backup.ts';
import { type AccountId, parseAccountId, parseKeyId } from './ids.ts';
import { defaultScopes, isExpired, maskedKey } from './keys.ts';
import type { Platform } from './platform.ts';

/** What an operator may do, beyond every account. */
export type Operator = Record<OperatorCommand, (options: Readonly<Record<string, string>>) => Promise<readonly string[]>>;
export type OperatorCommand = keyof typeof operatorCommands;

/** Every command with its options; `?` marks one that may be left out. */
export const operatorCommands = {
  'partner create': { options: ['name'], summary: 'A partner account with a key that may create businesses; the key is shown once.' },
  'credits grant': { options: ['account', 'amount', 'reason?'], summary: 'Adds credits to an account, named by its id or by the slug of a business.' },
  'keys list': { options: ['account?'], summary: 'All keys, masked, or those of one account.' },
  'keys revoke': { options: ['account', 'key'], summary: 'Ends a key at once.' },
  'engine list': { options: [], summary: 'The engines, and the accounts that have one of their own.' },
  'engine use': { options: ['account', 'engine'], summary: 'Has an engine draw for an account; `default` goes back to the default.' },
  'jobs failed': { options: ['queue?'], summary: 'The jobs that failed for good.' },
  'jobs retry': { options: ['queue', 'job'], summary: 'Gives a failed job one more attempt.' },
  'backup': { options: ['to'], summary: 'Writes database and pictures into a folder; only pictures that are not there yet.' },
  'restore': { options: ['from'], summary: 'Puts a backup into an empty database and its store, while no server runs on them.' },
} as const satisfies Record<string, { options: readonly string[]; summary: string }>;

type Parts = Pick<Platform, 'connection' | 'keys' | 'credits' | 'jobs' | 'engines' | 'blobs'> & { createAccount(account: { kind: 'partner'; name: string }): Promise<AccountId> };

/** The commands over an open platform; each gives lines for a person. They throw Failure for what cannot be done. */
export function createOperator({ connection, keys, credits, jobs, engines, blobs, createAccount }: Parts): Operator {
  const findAccount = (given: string): Promise<AccountId> => getAccount(connection, given);
  return {
    'partner create': ({ name = '' }) => connection.transaction(async () => {
      const accountId = await createAccount({ kind: 'partner', name });
      const { key, secret } = await keys.issue({ accountId, accountKind: 'partner', name: 'Partner key', scopes: defaultScopes('partner'), expiresAt: null });
      return [`account  ${accountId}`, `key id   ${key.id}`, `key      ${secret}`, 'The key is not shown again.'];
    }),
    async 'credits grant'({ account = '', amount = '', reason = 'Granted by the operator' }) {
      if (!/^[1-9]\d{0,8}$/.test(amount)) throw new Failure('VALIDATION', 'amount must be a whole number from 1 to 999999999');
      const accountId = await findAccount(account);
      await credits.grant(accountId, Number(amount), reason);
      const { available, reserved } = await credits.balance(accountId);
      return [`${accountId} has ${available} credits available, ${reserved} reserved.`];
    },
    async 'keys list'({ account }) {
      const of = account === undefined ? await connection.execute('select id from enterprise.account order by created_at, id') : [{ id: await findAccount(account) }];
      const found = await Promise.all(of.map(async ({ id }) => keys.list(id as AccountId)));
      return found.flat().map((key) => [key.id, key.accountId, maskedKey(key), isExpired(key) ? 'expired' : 'active', `used ${key.lastUsedAt?.toISOString() ?? 'never'}`, key.name].join('  '));
    },
    async 'keys revoke'({ account = '', key = '' }) {
      const keyId = parseKeyId(key);
      if (!keyId) throw new Failure('NOT_FOUND', `No key ${key}`);
      await keys.delete(await findAccount(account), keyId);
      return [`${key} is revoked.`];
    },
    async 'engine list'() {
      const choices = await engines.listChoices();
      return [...engines.names, ...choices.map(({ accountId, engine }) => `${accountId}  ${engine}`)];
    },
    async 'engine use'({ account = '', engine = '' }) {
      if (engine !== 'default' && !engines.names.includes(engine)) throw new Failure('NOT_FOUND', `No engine ${engine}. There are: ${engines.names.join(', ')}`);
      const accountId = await findAccount(account);
      await engines.choose(accountId, engine === 'default' ? null : engine);
      return [`${accountId} is drawn by ${engine}.`];
    },
    async 'jobs failed'({ queue }) {
      const queues = queue === undefined ? await connection.execute('select name from jobs.queue order by name') : [{ name: queue }];
      const lines = await Promise.all(queues.map(async ({ name }) => (await jobs.failed(String(name))).map(({ id, attempts, failedAt, reason }) => `${String(name)}  ${id}  ${failedAt.toISOString()}  ${attempts} attempts  ${messageOf(reason)}`)));
      return lines.flat().length > 0 ? lines.flat() : ['No job has failed.'];
    },
    async 'jobs retry'({ queue = '', job = '' }) {
      const failed = await jobs.failed(queue);
      if (!failed.some(({ id }) => id === job)) throw new Failure('NOT_FOUND', `${queue} has no failed job ${job}`);
      await jobs.retry(queue, job);
      return [`${job} is tried once more.`];
    },
    async 'backup'({ to = '' }) {
      const { tables, copied } = await writeBackup({ connection, blobs }, resolve(to));
      return [`${rowsOf(tables)} rows of ${Object.keys(tables).length} tables and ${copied} new pictures are in ${resolve(to)}.`];
    },
    async 'restore'({ from = '' }) {
      const { tables, copied, at } = await readBackup({ connection, blobs }, resolve(from));
      return [`${rowsOf(tables)} rows and ${copied} pictures are back as of ${at}.`];
    },
  };
}

const rowsOf = (tables: Readonly<Record<string, number>>): number => Object.values(tables).reduce((sum, count) => sum + count, 0);

async function getAccount(connection: Platform['connection'], given: string): Promise<AccountId> {
  const [row] = await connection.execute('select id from enterprise.account where id::text = $1 or slug = $2', [parseAccountId(given) ?? '', given]);
  if (!row) throw new Failure('NOT_FOUND', `No account ${given}`);
  return row['id'] as AccountId;
}

const messageOf = (reason: unknown): string => (typeof reason === 'object' && reason !== null && 'message' in reason ? String(reason.message) : JSON.stringify(reason));

/** Reads `partner create --name X`. @throws Failure VALIDATION with what would be right. */
export function parseOperatorCommand(given: readonly string[]): { command: OperatorCommand; options: Record<string, string> } {
  const words = isCommand(given[0] ?? '') ? 1 : 2;
  const name = given.slice(0, words).join(' ');
  if (!isCommand(name)) throw new Failure('VALIDATION', `${name === '' ? 'A command is missing.' : `There is no command ${name}.`}\n${operatorUsage()}`);
  const known: readonly string[] = operatorCommands[name].options;
  const misused = (sentence: string): Failure => new Failure('VALIDATION', `${sentence}\n${usageOf(name)}`);
  const options: Record<string, string> = {};
  for (let at = words; at < given.length; at += 2) {
    const [flag = '', value] = [given[at], given[at + 1]];
    const option = flag.replace(/^--/, '');
    if (!flag.startsWith('--') || value === undefined || !known.some((one) => one.replace('?', '') === option)) throw misused(`${flag} is not an option of ${name}, or has no value.`);
    options[option] = value;
  }
  const missing = known.filter((one) => !one.endsWith('?') && options[one] === undefined).map((one) => `--${one}`);
  if (missing.length > 0) throw misused(`${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} missing.`);
  return { command: name, options };
}

const isCommand = (name: string): name is OperatorCommand => name in operatorCommands;

/** Every command, for a person. */
export function operatorUsage(): string {
  return `Commands:\n${(Object.keys(operatorCommands) as OperatorCommand[]).map(usageOf).join('\n')}`;
}

function usageOf(name: OperatorCommand): string {
  const { options, summary }: { options: readonly string[]; summary: string } = operatorCommands[name];
  return `  npm run admin -- ${name}${options.map((option) => (option.endsWith('?') ? ` [--${option.slice(0, -1)} …]` : ` --${option} …`)).join('')}\n      ${summary}`;
}
