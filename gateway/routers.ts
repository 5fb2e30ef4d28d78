import { subgraphNames, type SubgraphName, subgraphSdl, supergraphSdl } from '../schema/sdl.ts';
import { exportedSubgraph, exportedSupergraph } from './exported-supergraph.ts';

export const routerNames = ['hive', 'apollo', 'cosmo', 'grafbase'] as const;
export type RouterName = (typeof routerNames)[number];
export type SubgraphUrls = Readonly<Record<SubgraphName, string>>;

/** Headers of a client that carry a key. */
const propagated = ['x-api-key', 'x-partner-api-key', 'authorization'] as const;
const port = 4000;

type Scalar = string | number | boolean;
type Config = Scalar | readonly Config[] | { readonly [key: string]: Config };
type Router = { title: string; start: readonly string[]; files(urls: SubgraphUrls): Record<string, string> };

const propagateEach = propagated.map((name) => ({ propagate: { named: name } }));
const pathOf = (url: string): string => new URL(url).pathname;
const socketOf = (url: string): string => url.replace(/^http/, 'ws');
const eachSubgraph = <Value extends Config>(urls: SubgraphUrls, value: (url: string) => Value): Record<string, Value> => Object.fromEntries(subgraphNames.map((name) => [name, value(urls[name])]));

/** How each router is told the same: where the subgraphs are, that subscriptions go over graphql-transport-ws, and which headers carry keys. */
const routers: Record<RouterName, Router> = {
  hive: {
    title: 'Hive Router', start: ['hive_router'],
    files: (urls) => ({
      'router.config.yaml': yaml({
        supergraph: { source: 'file', path: './supergraph.graphql' },
        http: { host: '0.0.0.0', port },
        headers: { all: { request: propagateEach } },
        subscriptions: { enabled: true, websocket: { subgraphs: eachSubgraph(urls, (url) => ({ path: pathOf(url) })) } },
        websocket: { enabled: true },
      }),
    }),
  },
  apollo: {
    title: 'Apollo Router', start: ['router --config router.yaml --supergraph supergraph.graphql'],
    files: (urls) => ({
      'router.yaml': yaml({
        supergraph: { listen: `0.0.0.0:${port}`, path: '/graphql' },
        override_subgraph_url: urls,
        headers: { all: { request: propagateEach } },
        subscription: { enabled: true, mode: { passthrough: { subgraphs: eachSubgraph(urls, (url) => ({ path: pathOf(url), protocol: 'graphql_ws' })) } } },
        include_subgraph_errors: { all: true },
      }),
    }),
  },
  cosmo: {
    title: 'Cosmo Router', start: ['npx wgc router compose --input graph.yaml --out execution.json', 'router'],
    files: (urls) => ({
      'graph.yaml': yaml({
        version: 1,
        subgraphs: subgraphNames.map((name) => ({
          name, routing_url: urls[name], schema: { file: `./${name}.graphql` }, subscription: { url: socketOf(urls[name]), protocol: 'ws', websocket_subprotocol: 'graphql-transport-ws' },
        })),
      }),
      'config.yaml': yaml({
        version: '1',
        listen_addr: `0.0.0.0:${port}`,
        execution_config: { file: { path: './execution.json', watch: true } },
        headers: { all: { request: propagated.map((named) => ({ op: 'propagate', named })) } },
        websocket: { enabled: true, forward_upgrade_headers: { enabled: true, allow_list: propagated }, forward_initial_payload: true },
        subgraph_error_propagation: { enabled: true, mode: 'pass-through' },
      }),
      ...Object.fromEntries(subgraphNames.map((name) => [`${name}.graphql`, exportedSubgraph(subgraphSdl(name))])),
    }),
  },
  grafbase: {
    title: 'Grafbase Gateway', start: ['grafbase-gateway --config grafbase.toml --schema supergraph.graphql'],
    files: (urls) => ({
      'grafbase.toml': [
        table('network', { listen_address: `0.0.0.0:${port}` }),
        table('graph', { path: '/graphql', websocket_path: '/ws' }),
        ...propagated.map((name) => table('[headers]', { rule: 'forward', name })),
        ...subgraphNames.map((name) => table(`subgraphs.${name}`, { url: urls[name], websocket_url: socketOf(urls[name]), subscriptions_protocol: 'websocket' })),
      ].join('\n'),
    }),
  },
};

/** Everything that a router needs to serve the graph over these subgraphs, by the names of the files. */
export function filesFor(router: RouterName, urls: SubgraphUrls): Record<string, string> {
  return { 'README.md': readme(routers[router]), 'supergraph.graphql': exportedSupergraph(supergraphSdl(), urls), ...routers[router].files(urls) };
}

function readme({ title, start }: Router): string {
  return `# Lookgraph under ${title}

Made by \`npm run export\`; make it again when the graph or an address changes.

1. Start the subgraphs with \`SUBGRAPH_CALLERS=keys\`: they know the clients' keys, which the router passes on, and keep the scopes of the graph themselves. Nobody else should be able to reach them.
2. In this folder:

${start.map((line) => `       ${line}`).join('\n')}

3. Send \`/graphql\` to the router and all else, REST, uploads and files, to Lookgraph's own gateway. The limits of that gateway do not hold here: set the router's.
`;
}

/** Text as it may stand without quotes: it cannot be taken for a number, a truth value or a mark. */
const isBare = (text: string): boolean => /^(?!true$|false$|null$|yes$|no$|on$|off$)[a-z][\w-]*$/i.test(text);
const scalar = (value: Scalar): string => (typeof value === 'string' && !isBare(value) ? JSON.stringify(value) : String(value));

/** YAML in block style, of what the tables above hold. */
function yaml(value: Config, indent = ''): string {
  if (typeof value !== 'object') return `${indent}${scalar(value)}\n`;
  if (Array.isArray(value)) return (value as readonly Config[]).map((item) => `${indent}- ${yaml(item, `${indent}  `).trimStart()}`).join('');
  return Object.entries(value).map(([key, inner]) => (typeof inner === 'object' ? `${indent}${key}:\n${yaml(inner, `${indent}  `)}` : `${indent}${key}: ${scalar(inner)}\n`)).join('');
}

/** A table of TOML, whose strings are those of JSON. */
function table(name: string, values: Readonly<Record<string, Scalar>>): string {
  return `[${name}]\n${Object.entries(values).map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`).join('')}`;
}
