import type { FastifyReply } from 'fastify';
import { Failure } from '../../schema/failures.ts';
import type { KeyId } from '../../subgraphs/ids.ts';
import type { RateFamily, Rates } from '../../subgraphs/rates.ts';

/** Counts one request of a key and says in the answer's headers what is left of the minute. Refuses with RATE_LIMITED the one too many. */
export async function takeRate(rates: Rates, reply: FastifyReply, family: RateFamily, keyId: KeyId): Promise<void> {
  const { limit, count, resetSeconds, resetsAt } = await rates.count(family, keyId);
  const remaining = Math.max(0, limit - count);
  reply.headers({
    'x-ratelimit-limit': String(limit), 'x-ratelimit-remaining': String(remaining), 'x-ratelimit-reset': resetsAt.toISOString(),
    'ratelimit-policy': `"minute";q=${limit};w=60`, ratelimit: `"minute";r=${remaining};t=${resetSeconds}`,
  });
  if (count > limit) throw new Failure('RATE_LIMITED', 'Rate limit exceeded', { retryAfterSeconds: resetSeconds });
}
