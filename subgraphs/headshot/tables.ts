import type { GeneratedAlways } from 'kysely';
import type { AccountId, TeamId } from '../ids.ts';

/** The tables of the schema `headshot`; in the database the same names are written in snake_case. */
export type Tables = { team: TeamTable };

type TeamTable = { id: TeamId; accountId: AccountId; name: string; createdAt: GeneratedAlways<Date> };
