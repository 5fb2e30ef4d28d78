import type { FastifyReply } from 'fastify';
import { Failure } from '../../schema/failures.ts';
import type { KeyId } from '../../subgraphs/ids.ts';

/** Counts what each key asked for in the running minute, in this process. */
export type Quotas = {
  /** Counts one request and says in the answer's headers what is left. Refuses with RATE_LIMITED the one too many. */
  take(reply: FastifyReply, keyId: KeyId, perMinute: number): void;
};

const minuteMs = 60_000;

export function createQuotas(now: () => number = Date.now): Quotas {
  const taken = new Map<KeyId, number>();
  let minute = 0;
  return {
    take(reply, keyId, perMinute) {
      const present = Math.floor(now() / minuteMs);
      if (present !== minute) taken.clear();
      minute = present;
      const count = (taken.get(keyId) ?? 0) + 1;
      taken.set(keyId, count);
      const endsAt = (minute + 1) * minuteMs;
      const retryAfterSeconds = Math.ceil((endsAt - now()) / 1000);
      const remaining = Math.max(0, perMinute - count);
      reply.headers({
        'x-ratelimit-limit': String(perMinute), 'x-ratelimit-remaining': String(remaining), 'x-ratelimit-reset': new Date(endsAt).toISOString(),
        'ratelimit-policy': `"minute";q=${perMinute};w=60`, ratelimit: `"minute";r=${remaining};t=${retryAfterSeconds}`,
      });
      if (count > perMinute) throw new Failure('RATE_LIMITED', 'Rate limit exceeded', { retryAfterSeconds });
    },
  };
}
