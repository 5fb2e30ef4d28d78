import { Failure } from '../../schema/failures.ts';
import type { AccountApiLogsArgs, CreateApiKeyInput } from '../../schema/types/enterprise.ts';
import type { ApiLogRow, ApiLogs } from '../api-logs.ts';
import { type AccountId, type KeyId, newKeyId, parseKeyId } from '../ids.ts';
import { type ApiKey, type Keys, secretOf } from '../keys.ts';
import { type Page, page, pageRequest } from '../paging.ts';
import type { Platform } from '../platform.ts';
import { type Keyed, secretBytes } from '../requests.ts';
import type { Caller } from '../subgraph.ts';
import { checkNewKey } from './rules.ts';

/**
 * Issues a key of the calling account, owned by who signed in or owns the calling key, and allowed no more than that one.
 * @throws Failure VALIDATION; FORBIDDEN for a scope that the calling key has not.
 */
export async function createKey({ keys, env, requests }: Pick<Platform, 'keys' | 'env' | 'requests'>, caller: Caller, input: CreateApiKeyInput, keyed: Keyed | null): Promise<{ apiKey: ApiKey; secret: string }> {
  const { accountId, accountKind, keyId } = caller;
  const { name, expiresAt } = checkNewKey(input, new Date());
  const scopes = [...new Set(input.scopes ?? caller.scopes)];
  const excess = scopes.find((scope) => !caller.scopes.has(scope));
  if (excess !== undefined) throw new Failure('FORBIDDEN', `This key may not give the scope ${excess.slice(0, 64)}`, { path: ['input', 'scopes'] });
  const id = newKeyId();
  return requests.once(accountId, keyed, id, {
    async work(seed) {
      const userId = (await keys.findCredential(accountId, keyId))?.userId ?? null;
      const { key, secret } = await keys.issue({ accountId, accountKind, name, scopes, expiresAt, userId, id, bytes: seed === null ? undefined : secretBytes(env, seed) });
      return { apiKey: key, secret };
    },
    async replay(earlier, seed) {
      const apiKey = await keys.find(accountId, earlier);
      return apiKey && { apiKey, secret: secretOf(secretBytes(env, seed)) };
    },
  });
}

/** @throws Failure NOT_FOUND; LAST_KEY. */
export async function deleteKey(keys: Keys, { accountId }: Caller, id: string): Promise<{ deletedId: KeyId }> {
  const keyId = parseKeyId(id);
  if (!keyId) throw new Failure('NOT_FOUND', 'API key not found', { path: ['id'] });
  await keys.delete(accountId, keyId);
  return { deletedId: keyId };
}

/** What an account's keys asked for, newest first. */
export async function pageOfLogs(logs: ApiLogs, accountId: AccountId, { filter, ...args }: Partial<AccountApiLogsArgs>): Promise<Page<ApiLogRow>> {
  const request = pageRequest(args, 50);
  const keyId = filter?.keyId ? parseKeyId(filter.keyId) : null;
  if (filter?.keyId && !keyId) throw new Failure('VALIDATION', 'keyId is not the id of a key', { path: ['filter', 'keyId'] });
  const { from, to, ...rest } = filter ?? {};
  const lines = await logs.list(accountId, { ...rest, keyId, from: from ? new Date(from) : null, to: to ? new Date(to) : null }, request);
  return page(lines, request, ({ id }) => id);
}
