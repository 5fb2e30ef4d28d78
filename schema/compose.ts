import { readFile, writeFile } from 'node:fs/promises';
import { composeServices, transformSupergraphToPublicSchema } from '@theguild/federation-composition';
import { diff, type Change, CriticalityLevel } from '@graphql-inspector/core';
import { buildASTSchema, buildSchema, concatAST, lexicographicSortSchema, parse, printSchema } from 'graphql';
import { generateTypes } from './types/generate.ts';
import { deferDirective, subgraphNames, subgraphSdl } from './sdl.ts';

/** Every file that is derived from the SDL, by its address, with the text that it should have. */
export type Composition = { supergraph: string; api: string; files: Map<URL, string> };

/** Composes the four subgraphs and generates all that depends on them. Throws with every composition error. */
export async function compose(): Promise<Composition> {
  const services = subgraphNames.map((name) => ({ name, typeDefs: parse(subgraphSdl(name)), url: `http://${name}.subgraph/graphql` }));
  const composed = composeServices(services);
  if (!composed.supergraphSdl) throw new Error(composed.errors?.map((error) => error.message).join('\n') ?? 'composition failed');
  const supergraph = `${composed.supergraphSdl.trim()}\n`;
  const publicSchema = buildASTSchema(concatAST([transformSupergraphToPublicSchema(parse(supergraph)), parse(deferDirective)]));
  const api = `${printSchema(lexicographicSortSchema(publicSchema))}\n`;
  const files = await generateTypes(api);
  files.set(new URL('supergraph.graphql', import.meta.url), supergraph);
  files.set(new URL('api.graphql', import.meta.url), api);
  return { supergraph, api, files };
}

/** What would break a client that was written against `before`, as sentences. */
export async function breakingChanges(before: string, after: string): Promise<string[]> {
  const changes: Change[] = await diff(buildSchema(before), buildSchema(after));
  return changes.filter((change) => change.criticality.level === CriticalityLevel.Breaking).map((change) => change.message);
}

/** The generated files whose text on disk is not what the SDL gives, as paths. */
export async function staleFiles(composition: Composition): Promise<string[]> {
  const stale: string[] = [];
  for (const [file, text] of composition.files) {
    if (await readFile(file, 'utf8').catch(() => '') !== text) stale.push(file.pathname);
  }
  return stale;
}

async function main(): Promise<void> {
  const composition = await compose();
  const previous = await readFile(new URL('api.graphql', import.meta.url), 'utf8').catch(() => null);
  const breaking = previous === null ? [] : await breakingChanges(previous, composition.api);
  if (process.argv.includes('--check')) {
    const stale = await staleFiles(composition);
    if (stale.length > 0) throw new Error(`not current, run npm run compose:\n${stale.join('\n')}`);
    return;
  }
  if (breaking.length > 0 && !process.argv.includes('--breaking')) {
    throw new Error(`api.graphql would break clients; say so with npm run compose -- --breaking:\n${breaking.join('\n')}`);
  }
  for (const [file, text] of composition.files) await writeFile(file, text);
  process.stdout.write(`composed ${composition.files.size} files${breaking.map((change) => `\nbreaking: ${change}`).join('')}\n`);
}

if (import.meta.main) await main();
