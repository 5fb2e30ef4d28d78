import type { FastifyInstance } from 'fastify';
import { callbackPath, type Engines } from '../subgraphs/engines/index.ts';
import { HttpRefusal } from './rest/answer.ts';

/** A container sends its picture in the webhook. */
const mostBytes = 48 * 1024 * 1024;

/** Takes what engines on other machines say of their work. Only an address that we gave out for work under way is answered; its body is not read before. */
export function serveEngineCallbacks(app: FastifyInstance, engines: Pick<Engines, 'isKnown' | 'receive'>): void {
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    // A signature is of the very bytes.
    scope.addContentTypeParser('application/json', { parseAs: 'string', bodyLimit: mostBytes }, (_, body, done) => done(null, body));
    scope.route<{ Params: { id: string } }>({
      method: 'POST',
      url: `${callbackPath}:id`,
      bodyLimit: mostBytes,
      async onRequest({ params: { id } }) {
        if (!(await engines.isKnown(id))) throw new HttpRefusal(404, 'Not found');
      },
      async handler({ params: { id }, body, headers }, reply) {
        const text = typeof body === 'string' ? body : '';
        if (!isJson(text)) throw new HttpRefusal(400, 'The request body is not valid JSON');
        if (!(await engines.receive(id, text, headers))) throw new HttpRefusal(401, 'Not signed');
        return reply.code(204).send();
      },
    });
  });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
