import assert from 'node:assert/strict';
import { type Lookgraph, startLookgraph } from '../../gateway/start.ts';
import { subgraphNames, type SubgraphName } from '../../schema/sdl.ts';
import { type Connection, openConnection } from '../../subgraphs/database.ts';
import { allowingOwn, type Environment } from '../../subgraphs/env.ts';
import { createPlatform, type Platform } from '../../subgraphs/platform.ts';
import { startSubgraphs } from '../../subgraphs/serve.ts';
import { serveSubgraph } from '../../subgraphs/served/server.ts';
import { warmUp } from '../../subgraphs/warm-up.ts';
import { freePort } from './process.ts';

/** Whether a server is not one process, but a gateway with its subgraphs behind addresses. */
export const isSplit = process.env['TEST_TOPOLOGY'] === 'split';

/** Whether a server is two of it on one database. */
export const isReplicated = process.env['TEST_TOPOLOGY'] === 'replicas';

export type Apart = {
  /** What a gateway that calls them is started with. */
  env: Environment;
  platformOf(name: SubgraphName): Platform | undefined;
  stop(): Promise<void>;
};

/** What several gateways of one address are started with: that of the first. */
export async function atOneAddress(given: Environment): Promise<Environment> {
  const port = await freePort();
  return allowingOwn({ ...given, port, publicUrl: `http://localhost:${port}`, isPublicUrlGiven: true }, `127.0.0.1:${port}`);
}

/** Another gateway with its own subgraphs, workers and connections, on the database and in the folder of the first. */
export async function startReplica(env: Environment, wrap = (connection: Connection): Connection => connection): Promise<Lookgraph> {
  assert.ok(env.databaseUrl, 'several processes share PostgreSQL');
  const connection = wrap(await openConnection({ databaseUrl: env.databaseUrl, dataDir: null, poolSize: env.databasePoolSize }));
  return startLookgraph({ ...env, port: 0 }, { connection });
}

/** Serves the four subgraphs, each over connections and with workers of its own. `wrap` listens in on what they ask of the database. */
export async function serveApart(given: Environment, wrap = (connection: Connection): Connection => connection): Promise<Apart> {
  // Four platforms on one machine: what is enough for one would keep it busy with getting warm.
  const env: Environment = { ...await atOneAddress(given), databasePoolSize: 4, renderWorkers: 1 };
  const served = await Promise.all(subgraphNames.map(async (name) => {
    // Closed by the platform itself.
    const connection = wrap(await openConnection({ databaseUrl: env.databaseUrl, dataDir: null, poolSize: env.databasePoolSize }));
    const platform = await createPlatform({ ...env, port: 0 }, { connection });
    const subgraph = (await startSubgraphs(platform, [name]))[name];
    if (!subgraph) throw new Error(`${name} did not start`);
    const { url, stop } = await serveSubgraph(platform, subgraph);
    void warmUp(platform, [name]);
    return { name, url, platform, stop: () => stop().then(() => platform.stop()) };
  }));
  return {
    env: { ...env, workers: 0, subgraphUrls: Object.fromEntries(served.map(({ name, url }) => [name, url])) },
    platformOf: (name) => served.find((each) => each.name === name)?.platform,
    async stop() {
      await Promise.all(served.map(({ stop }) => stop()));
    },
  };
}
