import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { inspect, parseArgs } from 'node:util';
import { subgraphNames, type SubgraphName } from '../schema/sdl.ts';
import { EnvironmentFault, parseEnvironment } from '../subgraphs/env.ts';
import { makeFolder } from '../subgraphs/folders.ts';
import { filesFor, type RouterName, routerNames, type SubgraphUrls } from './routers.ts';

const usage = `npm run export -- --router ${routerNames.join('|')} --out FOLDER [--url SUBGRAPH=http://host:port/graphql]...
  --url  where a subgraph is; else its SUBGRAPH_…_URL says so`;

class Misused extends Error {}

/** Writes what another router needs to serve the graph over our subgraphs. */
async function main(args: readonly string[]): Promise<void> {
  const { router, out, urls } = readArguments(args);
  const files = Object.entries(filesFor(router, urls));
  const folder = resolve(out);
  makeFolder(folder);
  for (const [name, text] of files) await writeFile(join(folder, name), text);
  process.stdout.write(`${files.map(([name]) => join(folder, name)).join('\n')}\nREADME.md says how to start it.\n`);
}

function readArguments(args: readonly string[]): { router: RouterName; out: string; urls: SubgraphUrls } {
  const text = { type: 'string' } as const;
  const { router, out, url = [] } = parse(() => parseArgs({ args: [...args], options: { router: text, out: text, url: { ...text, multiple: true } } }).values);
  const known = routerNames.find((name) => name === router);
  if (known === undefined || !out) throw new Misused(usage);
  const given = Object.fromEntries(url.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
  const stranger = Object.keys(given).find((name) => !subgraphNames.some((subgraph) => subgraph === name));
  if (stranger !== undefined) throw new Misused(`${stranger} is no subgraph\n${usage}`);
  // Where the environment may say it, its rules hold; the database is none of this command's business.
  const named = (name: SubgraphName): string => given[name] ?? process.env[`SUBGRAPH_${name.toUpperCase()}_URL`] ?? '';
  const { subgraphUrls } = parseEnvironment({ DATABASE_URL: 'postgres://elsewhere', ...Object.fromEntries(subgraphNames.map((name) => [`SUBGRAPH_${name.toUpperCase()}_URL`, named(name)])) });
  const missing = subgraphNames.filter((name) => subgraphUrls[name] === undefined);
  if (missing.length > 0) throw new Misused(`Nothing says where ${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'}. Give ${missing.map((name) => `--url ${name}=http://host:port/graphql or SUBGRAPH_${name.toUpperCase()}_URL`).join(', ')}.\n${usage}`);
  return { router: known, out, urls: subgraphUrls as SubgraphUrls };
}

function parse<Values>(read: () => Values): Values {
  try {
    return read();
  } catch (error) {
    throw new Misused(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Misused || error instanceof EnvironmentFault ? error.message : inspect(error)}\n`);
  process.exitCode = 1;
}
