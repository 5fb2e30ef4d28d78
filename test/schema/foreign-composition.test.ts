import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { buildSchema, type DocumentNode, type GraphQLSchema, lexicographicSortSchema, parse, printSchema } from 'graphql';
import { apiSdl, deferDirective, subgraphNames, type SubgraphName } from '../../schema/sdl.ts';
import { buildSubgraph } from '../../subgraphs/schema.ts';
import { findPeers } from '../support/peers.ts';

type Composition = { composeServices(services: { name: string; url: string; typeDefs: DocumentNode }[]): { supergraphSdl?: string; errors?: Error[] } };
type Internals = { Supergraph: { buildForTests(sdl: string): { apiSchema(): { toGraphQLJSSchema(): GraphQLSchema } } } };
type Graphql = { parse(text: string): DocumentNode; printSchema(schema: GraphQLSchema): string };

const peers = findPeers();

/** What a subgraph says to those who compose it. */
async function sdlOf(name: SubgraphName): Promise<string> {
  const { data, errors } = await buildSubgraph(name, {}, (request) => request).execute({ document: parse('{ service: _service { sdl } }'), variables: {}, request: { caller: null, requestId: 'compose' } });
  assert.deepEqual([errors, data === null], [undefined, false]);
  const { service } = data as { service: { sdl: string } };
  return service.sdl;
}

// Under the Elastic License, it may be no dependency of the project.
test('another composition makes the same public schema of what the four subgraphs say', { skip: peers === null && '@apollo/composition is not on this machine: node test/foreign.ts installs it beside the project' }, async () => {
  const load = createRequire(join(peers ?? '', 'package.json'));
  const { composeServices } = load('@apollo/composition') as Composition;
  const { Supergraph } = load('@apollo/federation-internals') as Internals;
  const { parse: parseThere, printSchema: printThere } = load('graphql') as Graphql;
  const services = await Promise.all(subgraphNames.map(async (name) => ({ name, url: `http://${name}.subgraph/graphql`, typeDefs: parseThere(await sdlOf(name)) })));
  const { supergraphSdl, errors } = composeServices(services);
  assert.deepEqual(errors?.map(({ message }) => message), undefined);
  const api = printThere(Supergraph.buildForTests(supergraphSdl ?? '').apiSchema().toGraphQLJSSchema());
  const sorted = (sdl: string): string => printSchema(lexicographicSortSchema(buildSchema(sdl)));
  assert.equal(sorted(`${api}\n${deferDirective}`), sorted(apiSdl()));
});
