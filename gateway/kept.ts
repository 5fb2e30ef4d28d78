import { Failure } from '../schema/failures.ts';
import { idempotencyOf, type KeptAnswers, StillRunning } from '../subgraphs/kept-answers.ts';
import type { Caller } from '../subgraphs/subgraph.ts';
import { type DoorAnswer, type DoorRequest, isStreamed } from './door.ts';
import { idempotencyKeyOf } from './rest/idempotency.ts';

/** Refused for its Idempotency-Key. */
export class KeyRefusal extends Error {
  readonly status: 400 | 409 | 422;
  readonly code: string;
  readonly retryAfterSeconds: number | null;

  constructor(status: 400 | 409 | 422, code: string, message: string, retryAfterSeconds: number | null = null) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/**
 * Asks the graph, once for each Idempotency-Key of a POST: the same request is answered as the first time, whatever it changes. What was refused, as a whole or in every
 * payload, changed nothing, and is asked again. Streams are not kept.
 * @throws KeyRefusal
 */
export async function askOnce(answers: KeptAnswers, caller: Caller | null, request: DoorRequest, ask: (request: DoorRequest) => Promise<DoorAnswer>): Promise<DoorAnswer> {
  if (request.method !== 'POST' || !caller || request.headers['idempotency-key'] === undefined) return ask(request);
  try {
    return await askKept(answers, caller, request, ask);
  } catch (error) {
    if (error instanceof StillRunning) throw new KeyRefusal(409, 'CONFLICT', error.message, error.retryAfterSeconds);
    if (error instanceof Failure) throw new KeyRefusal(error.code === 'IDEMPOTENCY_CONFLICT' ? 422 : 400, error.code, error.message);
    throw error;
  }
}

async function askKept(answers: KeptAnswers, { accountId }: Caller, request: DoorRequest, ask: (request: DoorRequest) => Promise<DoorAnswer>): Promise<DoorAnswer> {
  const key = idempotencyKeyOf(request) ?? '';
  // Who repeats a request may read other encodings than before.
  const { 'accept-encoding': _, ...headers } = request.headers;
  let streamed: DoorAnswer | null = null;
  const keyed = { accountId, operation: 'POST /graphql', key, content: JSON.stringify([request.search, request.body ?? null]) };
  const context = { ...request.context, idempotency: idempotencyOf(keyed) };
  const kept = await answers.answerOnce(keyed, async () => {
    const given = await ask({ ...request, headers, context });
    if (isStreamed(given.body)) streamed = given;
    const body = isStreamed(given.body) ? '' : given.body.toString();
    return { answer: { status: given.status, headers: given.headers, body }, isKept: !isStreamed(given.body) && given.status === 200 && hasChanged(body) };
  });
  return streamed ?? { status: kept.status, headers: { ...kept.headers, ...kept.replayed && { 'idempotency-replayed': 'true' } }, body: kept.body };
}

type Answered = { data?: Record<string, { errors?: readonly unknown[] } | null> | null; errors?: readonly unknown[] };

/** Whether anything came of it. What failed by a fault may have changed something, and what says so stays as well. */
function hasChanged(text: string): boolean {
  const { data, errors = [] } = JSON.parse(text) as Answered;
  const payloads = Object.values(data ?? {}).filter((payload) => payload !== null);
  return payloads.some((payload) => (payload.errors ?? []).length === 0) && (errors.length === 0 || payloads.length > 0);
}
