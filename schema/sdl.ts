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
