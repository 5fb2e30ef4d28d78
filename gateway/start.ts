import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { apiSdl, supergraphSdl } from '../schema/sdl.ts';
import type { Environment } from '../subgraphs/env.ts';
import { createPlatform, type Platform, type PlatformOptions } from '../subgraphs/platform.ts';
import { startSubgraphs } from '../subgraphs/serve.ts';
import { findDemoPhoto, serveDemoPortrait, serveFiles } from './files.ts';
import { createGraph, type Graph } from './graphql.ts';
import { serveHealth } from './health.ts';
import { createApplication, createFront, serveGraphql } from './http.ts';
import { createOpenings } from './openings.ts';
import { aihairstylesRoutes } from './rest/aihairstyles.ts';
import { mountRoutes } from './rest/router.ts';
import { serveHome } from './pages/home.ts';
import { serveSockets } from './sockets.ts';
import { warmUp } from './warm-up.ts';

export type Lookgraph = { url: string; port: number; platform: Platform; graph: Graph; stop(): Promise<void> };

/** For what is under way when the server stops: shorter than the grace that process managers give. */
const drainMs = 5_000;

/** Starts everything in this process: gateway, subgraphs and, unless the environment says otherwise, workers. */
export async function startLookgraph(given: Environment, options: PlatformOptions = {}): Promise<Lookgraph> {
  const { server, serve } = createFront();
  server.listen(given.port, given.host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const env = atPort(given, port);
  const platform = await createPlatform(env, options).catch((error: unknown) => {
    server.close();
    throw error;
  });
  const subgraphs = await startSubgraphs(platform);
  const graph = await createGraph({ supergraphSdl: supergraphSdl(), apiSdl: apiSdl(), subgraphs, limits: { operationTimeoutMs: env.operationTimeoutMs }, log: platform.log });
  const openings = createOpenings(platform.keys);
  let isStopping = false;

  const app = await createApplication(server, platform.log);
  serveHealth(app, platform.connection, () => isStopping);
  serveGraphql(app, { platform, graph, openings });
  mountRoutes(app, aihairstylesRoutes, { graph, keys: platform.keys, blobs: platform.blobs, openings });
  serveFiles(app, platform.blobs);
  serveHome(app, env);
  const photo = env.mode === 'production' ? null : findDemoPhoto();
  if (photo) serveDemoPortrait(app, photo);
  await app.ready();
  serve(app.routing);
  serveSockets(server, { graph, keys: platform.keys, openings });
  void warmUp(platform);

  const stop = async (): Promise<void> => {
    if (isStopping) return;
    isStopping = true;
    await openings.closeAll();
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeIdleConnections();
    const force = setTimeout(() => server.closeAllConnections(), drainMs);
    await closed;
    clearTimeout(force);
    await app.close();
    await graph.stop();
    await platform.stop();
  };
  return { url: `http://${urlHost(env.host)}:${port}`, port, platform, graph, stop };
}

/** Outside production the server may fetch its own demo portrait. */
function atPort(env: Environment, port: number): Environment {
  const publicUrl = env.port === 0 ? env.publicUrl.replace(/:0$/, `:${port}`) : env.publicUrl;
  const own = env.mode === 'production' ? [] : [`localhost:${port}`, `127.0.0.1:${port}`];
  return { ...env, port, publicUrl, outboundAllow: [...env.outboundAllow, ...own] };
}

const urlHost = (host: string): string => (host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host);
