import { readFileSync } from 'node:fs';

/** The subgraphs of the graph, in the order in which they are composed and started. */
export const subgraphNames = ['enterprise', 'hairstyle', 'headshot', 'skinshade'] as const;
export type SubgraphName = (typeof subgraphNames)[number];

const read = (file: string): string => readFileSync(new URL(file, import.meta.url), 'utf8');

/** SDL of one subgraph as it is served and composed: its own file and the fragment that all share. */
export function subgraphSdl(name: SubgraphName): string {
  return `${read(`${name}.graphql`)}\n${read('shared.graphql')}`;
}

/** The composed supergraph with its join directives, as committed. */
export function supergraphSdl(): string {
  return read('supergraph.graphql');
}

/** What clients may see of the supergraph, as committed. */
export function apiSdl(): string {
  return read('api.graphql');
}

/** What the gateway itself adds to the public schema. */
export const deferDirective = `"""
Sends the fields of a fragment later than the rest, where other subgraphs have to be asked for them and the client accepts
\`multipart/mixed;deferSpec=20220824\`. Else they are sent with the rest.
"""
directive @defer(if: Boolean! = true, label: String) on FRAGMENT_SPREAD | INLINE_FRAGMENT`;
