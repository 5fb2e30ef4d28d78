import { Failure } from '../../schema/failures.ts';
import { type KeptAnswers, type KeyedRequest, StillRunning } from '../../subgraphs/kept-answers.ts';
import { HttpRefusal } from './answer.ts';
import type { Reply, RestRequest } from './route.ts';

/** The Idempotency-Key header, as a quoted structured-field string or bare. Null when there is none. Refuses with VALIDATION an unusable one. */
export function idempotencyKeyOf({ headers }: Pick<RestRequest, 'headers'>): string | null {
  const header = headers['idempotency-key'];
  if (header === undefined) return null;
  const text = (Array.isArray(header) ? header.join(', ') : header).trim();
  const key = /^"(?:[^"\\]|\\["\\])*"$/.test(text) ? text.slice(1, -1).replaceAll(/\\(["\\])/g, '$1') : text;
  if (!/^[\x20-\x7e]{1,255}$/.test(key)) throw new Failure('VALIDATION', 'Idempotency-Key must have 1 to 255 printable ASCII characters');
  return key;
}

/** The reply to a request with an idempotency key: the first one again, when there was one. Refuses with IDEMPOTENCY_CONFLICT another request, with 409 one that comes too early. */
export async function keptReply(answers: KeptAnswers, request: KeyedRequest, work: () => Promise<Reply>): Promise<Reply> {
  try {
    const { status, headers, body, replayed } = await answers.answerOnce(request, async () => {
      const reply = await work();
      return { answer: { status: reply.status ?? 200, headers: reply.headers ?? {}, body: JSON.stringify(reply.body) }, isKept: true };
    });
    return { status, body: JSON.parse(body) as unknown, headers: { ...headers, ...replayed && { 'idempotency-replayed': 'true' } } };
  } catch (error) {
    if (error instanceof StillRunning) throw new HttpRefusal(409, error.message, { 'retry-after': String(error.retryAfterSeconds) });
    throw error;
  }
}
