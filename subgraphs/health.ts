import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import type { Connection } from './database.ts';
import type { Jobs } from './jobs.ts';

/** Shorter than the patience of whoever asks. */
const answerWithinMs = 2_000;

/** `/livez`: the process answers. `/readyz`: it takes requests; 503 when its database or its queue does not answer, or it is about to stop. */
export function serveHealth(app: FastifyInstance, { connection, jobs }: { connection: Connection; jobs: Jobs }, isStopping: () => boolean): void {
  app.get('/livez', async () => ({ status: 'ok' }));
  app.get('/readyz', async (request, reply) => {
    if (isStopping()) return reply.code(503).send({ status: 'stopping' });
    const [hasDatabase, hasQueue] = await Promise.all([answers(connection.execute('select 1'), 'database', request.log), answers(jobs.check(), 'queue', request.log)]);
    const status = hasDatabase ? hasQueue ? 'ready' : 'queue does not answer' : 'database does not answer';
    return reply.code(hasDatabase && hasQueue ? 200 : 503).header('cache-control', 'no-store').send({ status });
  });
}

async function answers(asked: Promise<unknown>, what: string, log: FastifyBaseLogger): Promise<boolean> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`no answer within ${answerWithinMs} ms`)), answerWithinMs);
  return Promise.race([asked, late.promise]).then(() => true, (error: unknown) => {
    log.warn({ err: error }, `the ${what} does not answer`);
    return false;
  }).finally(() => clearTimeout(timer));
}
