import { type AccountNames, createAccountNames } from './account-names.ts';
import { type ApiLogs, createApiLogs } from './api-logs.ts';
import { type BlobStore, createBlobStore } from './blobs.ts';
import { type Clients, createClients } from './clients.ts';
import { openClock } from './clock.ts';
import { type Credits, createCredits } from './credits.ts';
import { type Connection, openConnection } from './database.ts';
import { type Environment, getSigningSecret } from './env.ts';
import { createEngines, type Engines } from './engines/index.ts';
import { createErasures, type Erasures } from './erasures.ts';
import { createJobs, type Jobs } from './jobs.ts';
import { createKeys, type Keys } from './keys.ts';
import { watchJobs } from './jobs-watch.ts';
import { createLog, type Logger } from './log.ts';
import { createLooks, type Looks } from './looks.ts';
import { createMail, type Mail } from './mail.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { createOutbound, type Outbound } from './outbound.ts';
import { createPhotos, type Photos } from './photos.ts';
import { createKeptAnswers, type KeptAnswers } from './kept-answers.ts';
import { createQuotas, type Quotas } from './quotas.ts';
import { createRates, type Rates } from './rates.ts';
import { createRequests, type Requests } from './requests.ts';
import { createSpending, type Spending } from './spending.ts';
import type { Tracer } from './traces.ts';
import { measured } from './vision/measured.ts';
import { createVision, type VisionEngine } from './vision/index.ts';
import { createWebhooks, type Webhooks } from './webhooks.ts';

/** What the subgraphs of one process share. */
export type Platform = {
  env: Environment;
  connection: Connection;
  keys: Keys;
  accountNames: AccountNames;
  credits: Credits;
  clients: Clients;
  photos: Photos;
  looks: Looks;
  apiLogs: ApiLogs;
  erasures: Erasures;
  jobs: Jobs;
  blobs: BlobStore;
  outbound: Outbound;
  webhooks: Webhooks;
  mail: Mail;
  quotas: Quotas;
  rates: Rates;
  answers: KeptAnswers;
  requests: Requests;
  /** Null: nobody spends but this process. */
  spending: Spending | null;
  vision: VisionEngine;
  engines: Engines;
  log: Logger;
  metrics: Metrics;
  /** Null: nothing is recorded. */
  tracer: Tracer | null;
};

/** `connection`: the platform closes it when it stops. */
export type PlatformOptions = { connection?: Connection; log?: Logger };

/** Opens everything that the subgraphs share. Jobs do not run before `startSubgraphs`. `stop` hands back what runs and closes all. */
export async function createPlatform(env: Environment, options: PlatformOptions = {}): Promise<Platform & { stop(): Promise<void> }> {
  const log = options.log ?? createLog(env.logLevel);
  const connection = options.connection ?? (await openConnection({ databaseUrl: env.databaseUrl, dataDir: env.dataDir, poolSize: env.databasePoolSize }));
  try {
    return await assemble(env, log, connection);
  } catch (error) {
    await connection.close();
    throw error;
  }
}

async function assemble(env: Environment, log: Logger, connection: Connection): Promise<Platform & { stop(): Promise<void> }> {
  const keys = await createKeys(connection);
  const metrics = createMetrics();
  const tracer = env.tracing && (await import('./telemetry.ts')).openTracer(env.tracing);
  const jobs = createJobs(connection, { onError: (error) => log.error({ err: error }, 'job queue'), watch: watchJobs({ metrics, tracer, log }) });
  const outbound = createOutbound({ allow: env.outboundAllow });
  const vision = measured(createVision({ workers: env.renderWorkers }), metrics);
  const clock = await openClock(connection);
  const platform: Platform = {
    env, log, metrics, tracer, connection, keys, jobs, outbound, vision,
    accountNames: createAccountNames(connection),
    credits: createCredits(connection),
    clients: createClients(connection),
    photos: createPhotos(connection),
    looks: createLooks(connection),
    apiLogs: createApiLogs(connection, log),
    erasures: createErasures(connection, jobs),
    blobs: createBlobStore({ dataDir: env.dataDir, s3: env.s3, publicUrl: () => env.publicUrl, signingSecret: getSigningSecret(env) }),
    webhooks: createWebhooks({ connection, jobs, outbound, log, metrics, tracer, now: clock.now }),
    mail: createMail({ env, jobs, log }),
    quotas: createQuotas(connection),
    rates: createRates(connection, { perMinute: env.requestsPerMinute }),
    answers: createKeptAnswers(connection, { secret: () => getSigningSecret(env), keptMs: env.kept.idempotencyMs }),
    spending: createSpending(connection, { perMinute: env.costPerMinute }),
    requests: createRequests(connection, { keptMs: env.kept.idempotencyMs }),
    engines: createEngines({ config: env.engines, own: vision, connection, allow: env.outboundAllow, publicUrl: () => env.publicUrl, log }),
  };
  const stop = async (): Promise<void> => inOrder(() => jobs.stop(), () => vision.close(), () => platform.engines.close(), () => outbound.close(), () => keys.close(), () => platform.apiLogs.close(), async () => clock.close(), () => connection.close(), async () => tracer?.close());
  return { ...platform, stop };
}

/** Takes every step, whatever becomes of those before it; throws what the first one threw that failed. */
async function inOrder(...steps: (() => Promise<void>)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const step of steps) await step().catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}
