import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { composeServices } from '@theguild/federation-composition';
import { buildSchema, lexicographicSortSchema, parse, printSchema } from 'graphql';
import { publicSdl } from '../../gateway/public-schema.ts';
import { readSupergraph } from '../../gateway/supergraph.ts';
import { apiSdl, subgraphNames } from '../../schema/sdl.ts';
import { findPeers } from '../support/peers.ts';

type Ended = { code: number; stdout: string; stderr: string };
const run = (env: Record<string, string>, ...args: string[]): Promise<Ended> => new Promise((resolve) => {
  execFile(process.execPath, [join(import.meta.dirname, '../../gateway/export.ts'), ...args], { env: { ...process.env, ...env } }, (error, stdout, stderr) => resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr }));
});

const folder = await mkdtemp(join(tmpdir(), 'export-'));
after(() => rm(folder, { recursive: true, force: true }));
const urls = { enterprise: 'http://enterprise:4001/graphql', hairstyle: 'https://hair.example/graph', headshot: 'http://headshot:4003/graphql', skinshade: 'http://skinshade:4004/graphql' };
const given = Object.entries(urls).flatMap(([name, url]) => ['--url', `${name}=${url}`]);
const sockets = Object.fromEntries(Object.entries(urls).map(([name, url]) => [name, url.replace('http', 'ws')]));
const keyHeaders = ['x-api-key', 'x-partner-api-key', 'authorization'];
const sorted = (sdl: string): string => printSchema(lexicographicSortSchema(buildSchema(sdl)));

async function exported(router: string): Promise<Record<string, string>> {
  const out = join(folder, router);
  const { code, stderr } = await run({}, '--router', router, '--out', out, ...given);
  assert.equal(code, 0, stderr);
  const names = await readdir(out);
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await readFile(join(out, name), 'utf8')])));
}

const value = (text: string): unknown => (/^("|-?\d|true$|false$)/.test(text) ? JSON.parse(text) : text);

/** Block YAML of maps, lists, bare words and JSON's scalars; throws for everything else. */
function readYaml(text: string): unknown {
  const lines = text.split('\n').filter((line) => line !== '').map((line) => ({ indent: line.search(/\S/), text: line.trim() }));
  const block = (indent: number): unknown => {
    const isList = lines[0]?.text.startsWith('- ') ?? false;
    const list: unknown[] = [];
    const map: Record<string, unknown> = {};
    while (lines[0]?.indent === indent && lines[0].text.startsWith('- ') === isList) {
      if (isList) {
        const item = lines[0].text.slice(2);
        if (/^[\w-]+:/.test(item)) lines[0] = { indent: indent + 2, text: item };
        else lines.shift();
        list.push(/^[\w-]+:/.test(item) ? block(indent + 2) : value(item));
        continue;
      }
      const [, key = '', rest] = /^([\w-]+):(?: (.+))?$/.exec(lines.shift()?.text ?? '') ?? assert.fail('no key');
      map[key] = rest === undefined ? block(lines[0]?.indent ?? 0) : value(rest);
    }
    return isList ? list : map;
  };
  const read = block(0);
  assert.deepEqual(lines, [], 'all of it is read');
  return read;
}

/** TOML of tables, lists of tables, and JSON's scalars. */
function readToml(text: string): { name: string; values: Record<string, unknown> }[] {
  return text.trim().split('\n\n').map((part) => {
    const [head = '', ...lines] = part.split('\n');
    const [, name = ''] = /^(\[[\w.]+\]|\[\[[\w.]+\]\])$/.exec(head) ?? assert.fail(head);
    return { name, values: Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(' = ')), value(line.slice(line.indexOf(' = ') + 3))])) };
  });
}

for (const router of ['hive', 'apollo', 'cosmo', 'grafbase']) {
  describe(`export for ${router}`, async () => {
    const files = await exported(router);

    test('has the same public graph, the addresses that were given, and nothing that a router would ask tokens for', () => {
      const supergraph = files['supergraph.graphql'] ?? '';
      assert.equal(sorted(publicSdl(supergraph)), sorted(apiSdl()));
      assert.deepEqual(Object.fromEntries(readSupergraph(supergraph).addresses), urls);
      assert.doesNotMatch(supergraph, /authenticated|requiresScopes|SECURITY"/);
    });

    test('is read alike by a YAML parser of others', { skip: findPeers() === null && 'no other parser is on this machine' }, () => {
      const { parse: parseYaml } = createRequire(join(findPeers() ?? '', 'package.json'))('yaml') as { parse(text: string): unknown };
      for (const [name, text] of Object.entries(files)) if (name.endsWith('.yaml')) assert.deepEqual(parseYaml(text), readYaml(text), name);
    });
  });
}

test('Hive Router: the file, the headers, and WebSocket to every subgraph', async () => {
  const { 'router.config.yaml': text = '' } = await exported('hive');
  assert.deepEqual(readYaml(text), {
    supergraph: { source: 'file', path: './supergraph.graphql' }, http: { host: '0.0.0.0', port: 4000 }, headers: { all: { request: keyHeaders.map((named) => ({ propagate: { named } })) } },
    subscriptions: { enabled: true, websocket: { subgraphs: { enterprise: { path: '/graphql' }, hairstyle: { path: '/graph' }, headshot: { path: '/graphql' }, skinshade: { path: '/graphql' } } } }, websocket: { enabled: true },
  });
});

test('Apollo Router: the addresses, the headers, and passthrough subscriptions', async () => {
  const { 'router.yaml': text = '' } = await exported('apollo');
  const protocol = 'graphql_ws';
  assert.deepEqual(readYaml(text), {
    supergraph: { listen: '0.0.0.0:4000', path: '/graphql' }, override_subgraph_url: urls, headers: { all: { request: keyHeaders.map((named) => ({ propagate: { named } })) } },
    subscription: { enabled: true, mode: { passthrough: { subgraphs: { enterprise: { path: '/graphql', protocol }, hairstyle: { path: '/graph', protocol }, headshot: { path: '/graphql', protocol }, skinshade: { path: '/graphql', protocol } } } } },
    include_subgraph_errors: { all: true },
  });
});

test('Cosmo Router: what its own composition takes, and the headers', async () => {
  const files = await exported('cosmo');
  assert.deepEqual(readYaml(files['graph.yaml'] ?? ''), {
    version: 1, subgraphs: subgraphNames.map((name) => ({ name, routing_url: urls[name], schema: { file: `./${name}.graphql` }, subscription: { url: sockets[name], protocol: 'ws', websocket_subprotocol: 'graphql-transport-ws' } })),
  });
  const config = readYaml(files['config.yaml'] ?? '') as { version: string; execution_config: object; headers: object };
  assert.deepEqual([config.version, config.execution_config, config.headers], ['1', { file: { path: './execution.json', watch: true } }, { all: { request: keyHeaders.map((named) => ({ op: 'propagate', named })) } }]);
  const { supergraphSdl, errors } = composeServices(subgraphNames.map((name) => ({ name, url: urls[name], typeDefs: parse(files[`${name}.graphql`] ?? '') })));
  assert.equal(errors, undefined);
  assert.equal(sorted(publicSdl(supergraphSdl ?? '')), sorted(apiSdl()));
});

test('Grafbase Gateway: addresses of both kinds, and the headers', async () => {
  const { 'grafbase.toml': text = '' } = await exported('grafbase');
  assert.deepEqual(readToml(text), [
    { name: '[network]', values: { listen_address: '0.0.0.0:4000' } }, { name: '[graph]', values: { path: '/graphql', websocket_path: '/ws' } },
    ...keyHeaders.map((name) => ({ name: '[[headers]]', values: { rule: 'forward', name } })),
    ...subgraphNames.map((name) => ({ name: `[subgraphs.${name}]`, values: { url: urls[name], websocket_url: sockets[name], subscriptions_protocol: 'websocket' } })),
  ]);
});

test('addresses come from the environment too, and what is missing or wrong is said', async () => {
  const env = Object.fromEntries(Object.entries(urls).map(([name, url]) => [`SUBGRAPH_${name.toUpperCase()}_URL`, url]));
  const out = join(folder, 'environment');
  assert.equal((await run(env, '--router', 'hive', '--out', out, '--url', 'skinshade=http://other:1/graphql')).code, 0);
  assert.match(await readFile(join(out, 'supergraph.graphql'), 'utf8'), /hair\.example\/graph"[^]*http:\/\/other:1\/graphql"/);
  for (const [args, said] of [
    [[], /npm run export/], [['--router', 'hive'], /--out FOLDER/], [['--router', 'nginx', '--out', out], /hive\|apollo/], [['--router', 'hive', '--out', out, '--url', 'nobody=http://x/graphql'], /nobody is no subgraph/],
    [['--router', 'hive', '--out', out], /^Nothing says where enterprise, hairstyle, headshot, skinshade are\. Give --url enterprise=http:\/\/host:port\/graphql or SUBGRAPH_ENTERPRISE_URL, /], [['--router', 'hive', '--out', out, ...given, '--url', 'skinshade=ftp://x'], /SUBGRAPH_SKINSHADE_URL must be/], [['--what'], /--what/],
  ] as const) {
    const { code, stdout, stderr } = await run({}, ...args);
    assert.deepEqual([code, stdout], [1, ''], args.join(' '));
    assert.match(stderr, said);
  }
});
