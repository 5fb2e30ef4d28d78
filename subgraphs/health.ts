import type { FastifyInstance } from 'fastify';
import type { Connection } from './database.ts';
import type { Jobs } from './jobs.ts';
import type { Logger } from './log.ts';

/** Shorter than the patience of whoever asks. */
const answerWithinMs = 2_000;

type Asked = { connection: Connection; jobs: Jobs };

/** `/livez`: the process answers. `/readyz`: it takes requests; 503 when its database or its queue does not answer, or it is about to stop. */
export function serveHealth(app: FastifyInstance, asked: Asked, isStopping: () => boolean): void {
  app.get('/livez', async () => ({ status: 'ok' }));
  app.get('/readyz', async (request, reply) => {
    const { ready, status } = await isReady(asked, isStopping, request.log);
    return reply.code(ready ? 200 : 503).header('cache-control', 'no-store').send({ status });
  });
}

/** Whether work may be sent here, and in words why not. */
export async function isReady({ connection, jobs }: Asked, isStopping: () => boolean, log: Pick<Logger, 'warn'>): Promise<{ ready: boolean; status: string }> {
  if (isStopping()) return { ready: false, status: 'stopping' };
  const [hasDatabase, hasQueue] = await Promise.all([answers(connection.execute('select 1'), 'database', log), answers(jobs.check(), 'queue', log)]);
  return { ready: hasDatabase && hasQueue, status: hasDatabase ? hasQueue ? 'ready' : 'queue does not answer' : 'database does not answer' };
}

async function answers(asked: Promise<unknown>, what: string, log: Pick<Logger, 'warn'>): Promise<boolean> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`no answer within ${answerWithinMs} ms`)), answerWithinMs);
  return Promise.race([asked, late.promise]).then(() => true, (error: unknown) => {
    log.warn({ err: error }, `the ${what} does not answer`);
    return false;
  }).finally(() => clearTimeout(timer));
}
