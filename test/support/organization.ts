import assert from 'node:assert/strict';
import { createAccounts } from '../../subgraphs/enterprise/index.ts';
import type { AccountId } from '../../subgraphs/ids.ts';
import { defaultScopes } from '../../subgraphs/keys.ts';
import type { Answer, TestPlatform } from './platform.ts';

export type TestOrganization = Awaited<ReturnType<typeof openOrganization>>;
export type HeadshotRefusal = { success: false; error: string; code: string };

/** An organization with credits and a key. `call` asks `/api/v2/organization…` as the document shows: Bearer, and a content type whatever the method. */
export async function openOrganization(platform: Pick<TestPlatform, 'platform' | 'rest'>, { amount = 100, scopes = defaultScopes('organization') } = {}) {
  const { connection, credits, keys } = platform.platform;
  const { accountId, secret } = await connection.transaction(async () => {
    const accountId: AccountId = await createAccounts(connection).createAccount({ kind: 'organization', name: 'Acme Corporation', website: 'https://acme.com' });
    if (amount > 0) await credits.grant(accountId, amount, 'test');
    return { accountId, secret: (await keys.issue({ accountId, accountKind: 'organization', name: 'Test', scopes, expiresAt: null })).secret };
  });
  const call = async <Body = Record<string, unknown>>(method: string, path: string, json?: object, key = secret): Promise<Answer<Body>> =>
    platform.rest<Body>(`/api/v2/organization${path}`, { method, headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' }, ...json && { json } });
  return {
    accountId, key: secret, call,
    /** The body of an answer that must be 200. */
    async ok<Body = Record<string, unknown>>(method: string, path: string, json?: object): Promise<Body> {
      const { status, text, body } = await call<Body>(method, path, json);
      assert.equal(status, 200, `${method} ${path}: ${text}`);
      return body;
    },
    /** Status and code of a refusal. */
    async refused(method: string, path: string, json?: object, key = secret): Promise<[status: number, code: string]> {
      const { status, body } = await call<HeadshotRefusal>(method, path, json, key);
      assert.deepEqual(Object.keys(body), ['success', 'error', 'code'], JSON.stringify(body));
      assert.equal(body.success, false);
      return [status, body.code];
    },
    balance: async () => credits.balance(accountId),
  };
}
