import { CamelCasePlugin } from 'kysely';
import type { Connection } from '../database.ts';
import type { AccountId, InviteId, ModelId } from '../ids.ts';
import { revocable } from './rules.ts';
import type { Tables } from './tables.ts';

/** What is past its time, of all accounts: for the upkeep alone. Whoever ends it looks again, with its row held. */

type Due<Id> = { accountId: AccountId; id: Id };
const all = (connection: Connection) => connection.store<Tables>('headshot')().withPlugin(new CamelCasePlugin());

/** Invitations that nobody used in time. */
export async function listDueInvites(connection: Connection, now: Date, limit: number): Promise<Due<InviteId>[]> {
  return all(connection).selectFrom('invite').select(['accountId', 'id']).where('status', 'in', revocable).where('expiresAt', '<=', now).orderBy('id').limit(limit).execute();
}

/** Models that nobody invited and for which no selfies came in time. */
export async function listDueModels(connection: Connection, now: Date, limit: number): Promise<Due<ModelId>[]> {
  return all(connection).selectFrom('model').select(['accountId', 'id']).where('status', '=', 'ONBOARDING').where('expiresAt', '<=', now)
    .where(({ not, exists, selectFrom }) => not(exists(selectFrom('invite').select('invite.id').whereRef('invite.modelId', '=', 'model.id')))).orderBy('id').limit(limit).execute();
}

/** Models with selfies from before a moment, of which no headshots are being made. */
export async function listWithOldSelfies(connection: Connection, before: Date, limit: number): Promise<Due<ModelId>[]> {
  return all(connection).selectFrom('selfie').innerJoin('model', 'model.id', 'selfie.modelId').select(['model.accountId', 'model.id']).distinct().where('selfie.createdAt', '<', before)
    .where(({ or, eb }) => or([eb('model.endedAt', 'is not', null), eb('model.status', '=', 'ONBOARDING')])).orderBy('model.id').limit(limit).execute();
}

/** Models whose headshots were ready before a moment. */
export async function listOutlived(connection: Connection, before: Date, limit: number): Promise<Due<ModelId>[]> {
  return all(connection).selectFrom('model').select(['accountId', 'id']).where('status', '=', 'ACTIVE').where('finishedAt', '<', before).orderBy('finishedAt').limit(limit).execute();
}

/** Models that have files of selfies or photos which are of no use any more. */
export async function listUnpurged(connection: Connection, limit: number): Promise<Due<ModelId>[]> {
  return all(connection).selectFrom('model').select(['accountId', 'id']).where(({ or, and, eb, exists, selectFrom }) => or([
    exists(selectFrom('photo').select('photo.id').whereRef('photo.modelId', '=', 'model.id').where('photo.status', '=', 'DELETED').where('photo.blobKey', 'is not', null)),
    and([eb('endedAt', 'is not', null), eb('status', 'in', ['DELETED', 'FAILED']), exists(selectFrom('selfie').select('selfie.id').whereRef('selfie.modelId', '=', 'model.id'))]),
  ])).orderBy('id').limit(limit).execute();
}
