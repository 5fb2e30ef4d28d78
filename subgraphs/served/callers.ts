import type { IncomingHttpHeaders } from 'node:http';
import { randomUUID } from 'node:crypto';
import type { SubgraphName } from '../../schema/sdl.ts';
import { identifyConnection, invalidKeyMessage } from '../caller.ts';
import { getSigningSecret } from '../env.ts';
import { createIdentities, type Disbelief, identityHeader } from '../identity.ts';
import type { Platform } from '../platform.ts';
import type { RequestContext } from '../subgraph.ts';

/** Who asks, or why nobody is answered: a sentence for whoever runs the gateway. */
export type Recognized = { request: RequestContext } | { refused: string };

/** Recognizes those who ask a subgraph that is served alone. */
export type Recognize = (headers: IncomingHttpHeaders, parameters?: Readonly<Record<string, unknown>>) => Promise<Recognized>;

const sentences: Record<Disbelief, string> = {
  missing: `This subgraph answers its gateway, which says in ${identityHeader} who asks.`,
  malformed: 'The identity of the caller cannot be read.',
  forged: 'The identity of the caller is not signed with the SIGNING_SECRET of this subgraph.',
  expired: 'The identity of the caller has expired; perhaps two clocks differ.',
  'for another subgraph': 'The identity of the caller is for another subgraph.',
};

/** Believes what the gateway has signed for this subgraph, and nothing else; where SUBGRAPH_CALLERS is `keys`, also a key, or nobody's request for what is open to all. */
export function createRecognizer({ env, keys }: Pick<Platform, 'env' | 'keys'>, subgraph: SubgraphName): Recognize {
  const identities = createIdentities(getSigningSecret(env));
  return async (headers, parameters) => {
    const given = headers[identityHeader];
    if (given === undefined && env.subgraphCallers === 'keys') {
      const identity = await identifyConnection(keys, parameters, headers);
      if (identity.kind === 'invalid') return { refused: invalidKeyMessage };
      return { request: { caller: identity.kind === 'caller' ? identity.caller : null, requestId: randomUUID() } };
    }
    const read = identities.read(given, subgraph);
    return typeof read === 'string' ? { refused: sentences[read] } : { request: read };
  };
}
