import { Failure } from '../../schema/failures.ts';
import type { Caller } from '../subgraph.ts';

export const mostTeams = 200;

/** The name as it is kept: without blanks around it, 1 to 100 characters. Refuses with VALIDATION. */
export function checkTeamName(name: string): string {
  const trimmed = name.trim();
  const length = [...trimmed].length;
  if (length < 1 || length > 100) throw new Failure('VALIDATION', 'A team name has 1 to 100 characters', { path: ['name'] });
  return trimmed;
}

/** Refuses with FORBIDDEN a caller that is no organization. */
export function checkOrganization({ accountKind }: Caller): void {
  if (accountKind !== 'organization') throw new Failure('FORBIDDEN', 'Only organizations have teams');
}
