import { subgraphNames, type SubgraphName } from '../schema/sdl.ts';
import { type Environment, getSigningSecret } from '../subgraphs/env.ts';
import { createIdentities, identityHeader } from '../subgraphs/identity.ts';
import { timeLeftHeader } from '../subgraphs/served/end.ts';
import { begunKey } from '../subgraphs/served/sockets.ts';
import type { RequestContext } from '../subgraphs/subgraph.ts';
import { type OwnProtocol, overHttp } from './remote.ts';
import type { Transport } from './transport.ts';

/** Longer than an operation may take: its own lifetime decides. */
const beyondMs = 5_000;
/** A signature is believed for a minute; one request may take longer. */
const signedForMs = 20_000;

const own: OwnProtocol = { callerOf: ({ caller }) => caller?.keyId ?? '', timeLeftHeader, begunKey };

/** The ways to our own subgraphs that other processes serve. Each request carries there who asks, signed for that subgraph alone. */
export function remoteSubgraphs(env: Environment): Partial<Record<SubgraphName, Transport>> {
  const identities = createIdentities(getSigningSecret(env));
  return Object.fromEntries(subgraphNames.flatMap((name) => {
    const url = env.subgraphUrls[name];
    if (url === undefined) return [];
    const headersFor = signing((request) => ({ [identityHeader]: identities.sign(request, name) }));
    return [[name, overHttp({ name, url, headersFor, own, streams: 'ws', timeoutMs: env.operationTimeoutMs + beyondMs })]];
  }));
}

/** All fetches of a request go under one signature. */
function signing(sign: (request: RequestContext) => Record<string, string>): (request: RequestContext) => Record<string, string> {
  const signed = new WeakMap<RequestContext, { headers: Record<string, string>; at: number }>();
  return (request) => {
    const known = signed.get(request);
    const now = Date.now();
    if (known && now - known.at < signedForMs) return known.headers;
    const headers = sign(request);
    signed.set(request, { headers, at: now });
    return headers;
  };
}

/** The subgraphs that this process serves itself. */
export function ownSubgraphs({ subgraphUrls }: Environment): SubgraphName[] {
  return subgraphNames.filter((name) => subgraphUrls[name] === undefined);
}
