import { createHmac } from 'node:crypto';
import { Failure } from '../../schema/failures.ts';
import { getSigningSecret } from '../env.ts';
import type { Platform } from '../platform.ts';
import type { RequestContext } from '../subgraph.ts';
import { householdOf, monthOf, secondsToNextMonth } from './rules.ts';
import type { Grants } from './store.ts';

/** What a key that anybody gets may do. */
const freeScopes = ['skinshade:read', 'skinshade:write'] as const;

/**
 * A key for whoever asks, with an account of its own: one a month for each household.
 * @throws Failure RATE_LIMITED; FORBIDDEN where the door does not know who asks.
 */
export async function createFreeKey({ connection, env, keys }: Pick<Platform, 'connection' | 'env' | 'keys'>, grants: Grants, { address }: RequestContext): Promise<{ secret: string }> {
  if (address === undefined) throw new Failure('FORBIDDEN', 'Ask for a key by GET /api/generatekey');
  const [month, household] = [monthOf(new Date()), householdOf(address)];
  // Nobody who reads the table learns who asked.
  const hidden = createHmac('sha256', getSigningSecret(env)).update(`household\n${household}`).digest('base64url');
  return connection.transaction(async () => {
    if (!(await grants.claimGrant(hidden, month))) throw new Failure('RATE_LIMITED', 'An API key was generated from this address this month already', { retryAfterSeconds: secondsToNextMonth(new Date()) });
    const { secret } = await keys.issueAlone({ name: 'Skin shade', scopes: freeScopes });
    return { secret };
  });
}
