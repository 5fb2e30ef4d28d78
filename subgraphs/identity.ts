import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { SubgraphName } from '../schema/sdl.ts';
import { parseAccountId, parseKeyId } from './ids.ts';
import { scopeSet } from './scopes.ts';
import type { Caller, RequestContext } from './subgraph.ts';

/** The one header in which the gateway tells a subgraph of another process who asks. */
export const identityHeader = 'x-lookgraph-identity';

/** Why an identity is not believed. */
export type Disbelief = 'missing' | 'malformed' | 'forged' | 'expired' | 'for another subgraph';

/** Signs who asks, and reads what was signed with the same secret. */
export type Identities = {
  /** The header's value for requests to one subgraph: a caller, or nobody, and the request's id. Believed for a minute. */
  sign(request: RequestContext, audience: SubgraphName, now?: number): string;
  read(given: string | readonly string[] | undefined, audience: SubgraphName, now?: number): RequestContext | Disbelief;
};

/** Clocks of machines may differ by about as much. */
const believedSeconds = 60;
/** Three times what a key with all scopes needs. */
const longestHeader = 4096;

const payloadShape = z.object({
  audience: z.string(),
  /** In seconds. */
  expires: z.number(),
  requestId: z.string(),
  address: z.string().optional(),
  idempotency: z.object({ key: z.string(), fingerprint: z.string() }).optional(),
  caller: z.object({
    accountId: z.string().transform(parseAccountId),
    accountKind: z.enum(['personal', 'enterprise', 'partner', 'organization']),
    keyId: z.string().transform(parseKeyId),
    scopes: z.array(z.string()),
  }).nullable(),
});

/** The key is derived, so that nothing else that is signed with the secret can be taken for an identity. */
export function createIdentities(signingSecret: string): Identities {
  const key = Buffer.from(hkdfSync('sha256', signingSecret, '', 'lookgraph identity', 32));
  const signatureOf = (payload: string): Buffer => createHmac('sha256', key).update(payload).digest();
  return {
    sign({ caller, requestId, address, idempotency }, audience, now = Date.now()) {
      const expires = Math.ceil(now / 1000) + believedSeconds;
      const payload = Buffer.from(JSON.stringify({ audience, expires, requestId, address, idempotency, caller: caller && { ...caller, scopes: [...caller.scopes] } })).toString('base64url');
      return `${payload}.${signatureOf(payload).toString('base64url')}`;
    },
    read(given, audience, now = Date.now()) {
      if (given === undefined) return 'missing';
      const [payload, signature, ...rest] = typeof given === 'string' && given.length <= longestHeader ? given.split('.') : [];
      if (payload === undefined || signature === undefined || rest.length > 0) return 'malformed';
      const [expected, actual] = [signatureOf(payload), Buffer.from(signature, 'base64url')];
      // Before anything of the payload is looked at.
      if (expected.length !== actual.length || !timingSafeEqual(expected, actual)) return 'forged';
      return believed(payload, audience, now);
    },
  };
}

function believed(payload: string, audience: SubgraphName, now: number): RequestContext | Disbelief {
  const { success, data } = payloadShape.safeParse(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')));
  if (!success) return 'malformed';
  if (data.audience !== audience) return 'for another subgraph';
  if (data.expires * 1000 <= now) return 'expired';
  const caller = data.caller && callerOf(data.caller);
  const { requestId, address, idempotency } = data;
  return data.caller && !caller ? 'malformed' : { caller, requestId, ...address !== undefined && { address }, ...idempotency && { idempotency } };
}

function callerOf({ accountId, accountKind, keyId, scopes }: NonNullable<z.infer<typeof payloadShape>['caller']>): Caller | null {
  return accountId && keyId && { accountId, accountKind, keyId, scopes: scopeSet(scopes) };
}
