import type { Insertable, Selectable } from 'kysely';
import { json, type Store as Database } from '../database.ts';
import type { AccountId, ModelId, SelfieId } from '../ids.ts';
import type { Tables } from './tables.ts';

export type SelfieRow = Selectable<Tables['selfie']>;

/** Every statement on selfies. Who changes how many a model has holds the model's row. */
export function selfieStatements(database: Database<Tables>) {
  const ofModel = (accountId: AccountId, modelId: ModelId) => database().selectFrom('selfie').where('accountId', '=', accountId).where('modelId', '=', modelId);
  const gone = (accountId: AccountId, modelId: ModelId) => database().deleteFrom('selfie').where('accountId', '=', accountId).where('modelId', '=', modelId);
  return {
    insertSelfie: async (accountId: AccountId, { assessment, ...selfie }: Omit<Insertable<Tables['selfie']>, 'accountId'>): Promise<SelfieRow> =>
      database().insertInto('selfie').values({ ...selfie, accountId, assessment: json(assessment) }).returningAll().executeTakeFirstOrThrow(),
    /** In the order in which they were sent. */
    listSelfies: async (accountId: AccountId, modelId: ModelId): Promise<SelfieRow[]> => ofModel(accountId, modelId).selectAll().orderBy('id').execute(),
    findSelfie: async (accountId: AccountId, modelId: ModelId, id: SelfieId): Promise<SelfieRow | null> => (await ofModel(accountId, modelId).selectAll().where('id', '=', id).executeTakeFirst()) ?? null,
    countSelfies: async (accountId: AccountId, modelId: ModelId): Promise<{ all: number; usable: number }> => {
      const { all, usable } = await ofModel(accountId, modelId).select(({ fn }) => [fn.countAll<number>().as('all'), fn.countAll<number>().filterWhere('isUsable', '=', true).as('usable')]).executeTakeFirstOrThrow();
      return { all: Number(all), usable: Number(usable) };
    },
    /** What was deleted, whose file the caller then deletes. */
    deleteSelfie: async (accountId: AccountId, modelId: ModelId, id: SelfieId): Promise<SelfieRow | null> => (await gone(accountId, modelId).where('id', '=', id).returningAll().executeTakeFirst()) ?? null,
    /** Those from before a moment. */
    deleteOldSelfies: async (accountId: AccountId, modelId: ModelId, before: Date): Promise<SelfieRow[]> => gone(accountId, modelId).where('createdAt', '<', before).returningAll().execute(),
    /** All of a model. */
    deleteSelfies: async (accountId: AccountId, modelId: ModelId): Promise<SelfieRow[]> => gone(accountId, modelId).returningAll().execute(),
  };
}
