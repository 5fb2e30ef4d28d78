import { once } from 'node:events';
import type { RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { apiSdl, supergraphSdl } from '../schema/sdl.ts';
import { serveAdmin } from '../subgraphs/admin-server.ts';
import { allowingOwn, type Environment, EnvironmentFault } from '../subgraphs/env.ts';
import { serveHealth } from '../subgraphs/health.ts';
import { createPlatform, type Platform, type PlatformOptions } from '../subgraphs/platform.ts';
import { scalars } from '../subgraphs/schema.ts';
import { operatorOf, startSubgraphs } from '../subgraphs/serve.ts';
import { warmUp } from '../subgraphs/warm-up.ts';
import { logOperations, logRequests } from './api-log.ts';
import { admissionOf } from './caller.ts';
import { closeNow, drain } from './drain.ts';
import { serveDemoPortrait, serveFiles } from './files.ts';
import { createGraph, type Graph } from './graphql.ts';
import { serveEngineCallbacks } from './engine-callbacks.ts';
import { createApplication, createFront, type Front, serveGraphql } from './http.ts';
import { serveOperator } from './operator-socket.ts';
import { createOpenings } from './openings.ts';
import { ownSubgraphs, remoteSubgraphs } from './remote-subgraphs.ts';
import { mountRoutes } from './rest/router.ts';
import { restRoutes } from './rest/routes.ts';
import { serveBusinessPages } from './pages/business.ts';
import { serveHome } from './pages/home.ts';
import { serveLogin, serveOutbox } from './pages/login.ts';
import { serveOnboarding } from './pages/onboarding.ts';
import { readSessionCookies } from './session-cookie.ts';
import { serveSockets } from './sockets.ts';
import { openTexts, TrustedFault } from './texts.ts';

export type Lookgraph = { url: string; port: number; /** Null: metrics are served nowhere. */ adminPort: number | null; platform: Platform; graph: Graph; stop(): Promise<void> };

/**
 * Starts everything in this process: gateway, subgraphs and, unless the environment says otherwise, workers. Subgraphs that have an address are not
 * started here, nor are their jobs. When it fails, nothing of it is left behind. `prepare` is done before anything is answered.
 */
export async function startLookgraph(given: Environment, { prepare = async () => {}, ...options }: PlatformOptions & { prepare?: (platform: Platform) => Promise<void> } = {}): Promise<Lookgraph> {
  const { server, serve } = createFront();
  await listen(server, given);
  const { port } = server.address() as AddressInfo;
  const env = atPort(given, port);
  let platform: Awaited<ReturnType<typeof createPlatform>> | null = null;
  try {
    platform = await createPlatform(env, options);
    const opened = await open(platform, server, serve, prepare);
    void warmUp(platform, ownSubgraphs(env));
    return { url: `http://${urlHost(env.host)}:${port}`, port, platform, ...opened };
  } catch (error) {
    await platform?.stop();
    await closeNow(server);
    throw error;
  }
}

async function listen(server: Server, { port, host }: Environment): Promise<void> {
  server.listen(port, host);
  await once(server, 'listening').catch((error: NodeJS.ErrnoException) => {
    // Of this system call the operator is told nothing else, and the database makes it too.
    throw error.syscall === 'getaddrinfo' ? new EnvironmentFault([`HOST ${host} is not known: it must be an address of this machine, or a name of one`]) : error;
  });
}

/** Puts the gateway over the platform, and behind the server. */
async function open(platform: Awaited<ReturnType<typeof createPlatform>>, server: Server, serve: (listener: RequestListener) => void, prepare: (platform: Platform) => Promise<void>): Promise<Pick<Lookgraph, 'graph' | 'adminPort' | 'stop'>> {
  const { env, keys, log, metrics, spending, tracer } = platform;
  const subgraphs = { ...await startSubgraphs(platform, ownSubgraphs(env)), ...remoteSubgraphs(env) };
  const graph = await createGraph({ supergraphSdl: supergraphSdl(), apiSdl: apiSdl(), subgraphs, scalars, limits: { operationTimeoutMs: env.operationTimeoutMs, costPerMinute: env.costPerMinute }, openIntrospection: env.openIntrospection, spending, observer: { metrics, tracer }, log });
  const texts = await openTexts(env.operations, graph, log).catch((error: unknown) => {
    throw error instanceof TrustedFault ? new EnvironmentFault([`TRUSTED_DOCUMENTS: ${error.message}`]) : error;
  });
  const openings = createOpenings(keys);
  const app = await createApplication(server, platform);
  let stopping: Promise<void> | null = null;
  mount(app, { platform, graph, openings, texts }, () => stopping !== null);
  await app.ready();
  await prepare(platform);
  serve((request, response) => {
    // Whoever keeps the connection for later would find it closed.
    if (stopping !== null) response.shouldKeepAlive = false;
    app.routing(request, response);
  });
  const logged = logOperations(graph, platform.apiLogs, log);
  const endSockets = serveSockets(server, { sources: { graph: () => logged, texts }, openings, admit: admissionOf(keys) });
  metrics.watch('connections_open', 'Sockets and streams of clients that are open in this process.', openings.size);
  const admin = await serveAdmin(platform, () => stopping !== null);
  const stopOperator = platform.connection.kind === 'pglite' ? await serveOperator(env.dataDir, operatorOf(platform), log) : async () => {};
  const stop = async (): Promise<void> => {
    await Promise.all([noticed(env.stopDelayMs).then(async () => drain(server, openings, endSockets)), platform.jobs.rest(), stopOperator()]);
    await app.close();
    await graph.stop();
    await admin?.stop();
    await platform.stop();
  };
  return { graph, adminPort: admin?.port ?? null, stop: () => (stopping ??= stop()) };
}

/** Until those who look at /readyz have seen that nothing more is to be sent here. */
const noticed = (delayMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, delayMs));

function mount(app: FastifyInstance, front: Front, isStopping: () => boolean): void {
  const { platform: { apiLogs, answers, env, blobs, connection, jobs, keys, rates }, graph, openings } = front;
  readSessionCookies(app);
  logRequests(app, apiLogs, keys);
  serveHealth(app, { connection, jobs }, isStopping);
  serveGraphql(app, front);
  mountRoutes(app, restRoutes, { graph, keys, blobs, openings, rates, answers, trustedProxies: env.trustedProxies });
  serveEngineCallbacks(app, front.platform.engines);
  serveFiles(app, blobs);
  serveHome(app, env);
  serveBusinessPages(app, { keys, graph });
  serveLogin(app, { platform: front.platform, graph });
  serveOutbox(app, { env });
  serveOnboarding(app, { platform: front.platform, graph, openings });
  if (env.mode !== 'production') serveDemoPortrait(app);
}

function atPort(env: Environment, port: number): Environment {
  const publicUrl = env.port === 0 ? env.publicUrl.replace(/:0$/, `:${port}`) : env.publicUrl;
  return allowingOwn({ ...env, port, publicUrl }, `localhost:${port}`, `127.0.0.1:${port}`);
}

const urlHost = (host: string): string => (host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host);
