import type { FastifyInstance } from 'fastify';
import type { Connection } from '../subgraphs/database.ts';

/** `/livez`: the process answers. `/readyz`: it takes requests; 503 when its database does not answer or it is about to stop. */
export function serveHealth(app: FastifyInstance, connection: Connection, isStopping: () => boolean): void {
  app.get('/livez', async () => ({ status: 'ok' }));
  app.get('/readyz', async (request, reply) => {
    if (isStopping()) return reply.code(503).send({ status: 'stopping' });
    const answered = await connection.execute('select 1').then(() => true, (error: unknown) => {
      request.log.warn({ err: error }, 'the database does not answer');
      return false;
    });
    return reply.code(answered ? 200 : 503).send({ status: answered ? 'ready' : 'database does not answer' });
  });
}
