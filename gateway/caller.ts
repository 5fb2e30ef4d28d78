import { randomUUID } from 'node:crypto';
import { identifyConnection } from '../subgraphs/caller.ts';
import type { Keys } from '../subgraphs/keys.ts';
import type { SocketOptions } from './sockets.ts';

export { credentialOf, identify, identifyConnection, type Identity, invalidKeyMessage } from '../subgraphs/caller.ts';

/** Lets every connection in but those with a wrong key. */
export function admissionOf(keys: Pick<Keys, 'findCaller'>): SocketOptions['admit'] {
  return async (params, headers) => {
    const identity = await identifyConnection(keys, params ?? undefined, headers);
    if (identity.kind === 'invalid') return null;
    const caller = identity.kind === 'caller' ? identity.caller : null;
    return { keyId: caller?.keyId ?? null, context: () => ({ caller, requestId: randomUUID() }) };
  };
}
