import { CamelCasePlugin, type ExpressionBuilder, type Insertable, type RawBuilder, type Selectable, sql } from 'kysely';
import { type Connection, json, type Store as Database } from '../database.ts';
import type { AccountId, ClientId, InviteId, MemberId, ModelId, PictureId, TeamId } from '../ids.ts';
import type { OwnedRow } from '../page-loader.ts';
import type { PageRequest } from '../paging.ts';
import { inUse, type InviteStatus, type MemberStatus, type ModelStatus } from './rules.ts';
import { photoStatements } from './photo-store.ts';
import { type SelfieRow, selfieStatements } from './selfie-store.ts';
import type { Tables } from './tables.ts';
import { traceStatements } from './trace-store.ts';

export type TeamRow = Selectable<Tables['team']>;
export type MemberRow = Selectable<Tables['member']>;
export type InviteRow = Selectable<Tables['invite']>;
export type ModelRow = Selectable<Tables['model']>;
export type { SelfieRow };
export type MemberFilter = { status?: MemberStatus | null | undefined };
export type InviteFilter = { status?: InviteStatus | null | undefined };
/** Without a status: all but deleted ones. */
export type ModelFilter = { status?: ModelStatus | null | undefined; teamId?: TeamId | null | undefined };
export type Store = ReturnType<typeof createStore>;

// What is in a JSON column stays as it was written.
const camelCase = new CamelCasePlugin({ maintainNestedObjectKeys: true });

/** Every statement on the schema `headshot`. The tenant is always the first argument; rows of another one are not there. */
export function createStore(connection: Connection) {
  const tables = connection.store<Tables>('headshot');
  const database = () => tables().withPlugin(camelCase);
  return { ...settingStatements(database), ...teamStatements(database), ...memberStatements(database), ...inviteStatements(database), ...modelStatements(database), ...selfieStatements(database), ...photoStatements(database), ...traceStatements(database) };
}

export type Listed = 'member' | 'invite' | 'model';
/** What a page shows: newest first, strictly behind `after`. */
const behind = (after: string | null) => ({ eb }: ExpressionBuilder<Tables, Listed>) => (after === null ? eb.val(true) : sql<boolean>`id < ${after}`);
const count = async (statement: { executeTakeFirstOrThrow(): Promise<{ total: number }> }): Promise<number> => Number((await statement.executeTakeFirstOrThrow()).total);
const total = <Name extends keyof Tables>(eb: ExpressionBuilder<Tables, Name>) => eb.fn.countAll<number>().as('total');
const of = (accountId: AccountId, filter: object) => Object.entries({ ...filter, accountId }).filter(([, value]) => value !== null && value !== undefined);

function settingStatements(database: Database<Tables>) {
  return {
    isWhitelabel: async (accountId: AccountId): Promise<boolean> =>
      (await database().selectFrom('setting').select('isWhitelabel').where('accountId', '=', accountId).executeTakeFirst())?.isWhitelabel ?? false,
    setWhitelabel: async (accountId: AccountId, isWhitelabel: boolean): Promise<void> =>
      void (await database().insertInto('setting').values({ accountId, isWhitelabel }).onConflict((conflict) => conflict.column('accountId').doUpdateSet({ isWhitelabel })).execute()),
    /** Of two that count what an account has and then add to it, one waits here to the end of the other's transaction. */
    lockAccount: async (accountId: AccountId): Promise<void> => {
      await database().insertInto('setting').values({ accountId, isWhitelabel: false }).onConflict((conflict) => conflict.doNothing()).execute();
      await database().selectFrom('setting').select('accountId').where('accountId', '=', accountId).forUpdate().execute();
    },
  };
}

function teamStatements(database: Database<Tables>) {
  const teamsOf = (accountId: AccountId) => database().selectFrom('team').selectAll().where('accountId', '=', accountId);
  return {
    /** By name. */
    listTeams: async (accountId: AccountId, limit: number): Promise<TeamRow[]> => teamsOf(accountId).orderBy(sql`lower(name)`).limit(limit).execute(),
    findTeams: async (accountId: AccountId, ids: readonly TeamId[]): Promise<TeamRow[]> => teamsOf(accountId).where('id', 'in', ids).execute(),
    /** Keeps the team from being deleted until the running transaction ends; whether there is one. */
    holdTeam: async (accountId: AccountId, id: TeamId): Promise<boolean> => (await teamsOf(accountId).where('id', '=', id).forKeyShare().executeTakeFirst()) !== undefined,
    /** Whatever the case of its letters. */
    findTeamByName: async (accountId: AccountId, name: string): Promise<TeamRow | null> =>
      (await teamsOf(accountId).where(sql`lower(name)`, '=', sql`lower(${name}::text)`).executeTakeFirst()) ?? null,
    countTeams: async (accountId: AccountId): Promise<number> => count(database().selectFrom('team').select(total).where('accountId', '=', accountId)),
    /** Null: the name is taken. */
    insertTeam: async (accountId: AccountId, team: { id: TeamId; name: string }): Promise<TeamRow | null> =>
      (await database().insertInto('team').values({ ...team, accountId }).onConflict((conflict) => conflict.doNothing()).returningAll().executeTakeFirst()) ?? null,
    /** Null: no such team. Throws a unique violation when the name is taken. */
    renameTeam: async (accountId: AccountId, id: TeamId, name: string): Promise<TeamRow | null> =>
      (await database().updateTable('team').set({ name }).where('accountId', '=', accountId).where('id', '=', id).returningAll().executeTakeFirst()) ?? null,
    deleteTeam: async (accountId: AccountId, id: TeamId): Promise<boolean> =>
      (await database().deleteFrom('team').where('accountId', '=', accountId).where('id', '=', id).returning('id').executeTakeFirst()) !== undefined,
  };
}

function memberStatements(database: Database<Tables>) {
  const matching = (accountId: AccountId, filter: MemberFilter) => ({ eb, and }: ExpressionBuilder<Tables, 'member'>) => and(of(accountId, filter).map(([name, value]) => eb(name as 'status', '=', value as MemberStatus)));
  return {
    findMembers: async (accountId: AccountId, ids: readonly MemberId[]): Promise<MemberRow[]> => database().selectFrom('member').selectAll().where('accountId', '=', accountId).where('id', 'in', ids).execute(),
    findMembersByEmail: async (accountId: AccountId, emailKeys: readonly string[]): Promise<MemberRow[]> =>
      database().selectFrom('member').selectAll().where('accountId', '=', accountId).where('emailKey', 'in', emailKeys).execute(),
    listMembers: async (accountId: AccountId, filter: MemberFilter, { limit, after, skip = 0 }: PageRequest): Promise<MemberRow[]> =>
      database().selectFrom('member').selectAll().where(matching(accountId, filter)).where(behind(after)).orderBy('id', 'desc').offset(skip).limit(limit).execute(),
    countMembers: async (accountId: AccountId, filter: MemberFilter): Promise<number> => count(database().selectFrom('member').select(total).where(matching(accountId, filter))),
    /** A page of each team's members, newest first, and how many each has in all. */
    listMembersOfTeams: async (accountId: AccountId, teamIds: readonly TeamId[], request: PageRequest): Promise<OwnedRow<TeamId, MemberRow>[]> =>
      listOwned<TeamId, MemberRow>(database, { table: 'member', owner: 'team_id', accountId, ids: teamIds, request }),
    /** Those who are members already stay what they are, but for their team when one is named. In the order of `members`. */
    upsertMembers: async (accountId: AccountId, members: readonly Pick<MemberRow, 'id' | 'email' | 'emailKey' | 'teamId'>[]): Promise<MemberRow[]> => {
      const rows = await database().insertInto('member').values(members.map((member) => ({ ...member, accountId, name: null, status: 'PENDING' as const })))
        .onConflict((conflict) => conflict.columns(['accountId', 'emailKey']).doUpdateSet({ teamId: sql<TeamId | null>`coalesce(excluded.team_id, member.team_id)` })).returningAll().execute();
      const byKey = new Map(rows.map((row) => [row.emailKey, row]));
      return members.flatMap(({ emailKey }) => byKey.get(emailKey) ?? []);
    },
    changeMember: async (accountId: AccountId, id: MemberId, change: Partial<Pick<MemberRow, 'name' | 'status' | 'joinedAt'>>): Promise<void> =>
      void (await database().updateTable('member').set(change).where('accountId', '=', accountId).where('id', '=', id).execute()),
    /** With what is theirs. */
    moveMembers: async (accountId: AccountId, ids: readonly MemberId[], teamId: TeamId): Promise<void> => {
      await database().updateTable('member').set({ teamId }).where('accountId', '=', accountId).where('id', 'in', ids).execute();
      for (const table of ['invite', 'model'] as const) await database().updateTable(table).set({ teamId }).where('accountId', '=', accountId).where('memberId', 'in', ids).execute();
    },
    /** Unless something is being made, or was made, for that member. */
    deleteIdleMember: async (accountId: AccountId, id: MemberId): Promise<boolean> => (await database().deleteFrom('member').where('accountId', '=', accountId).where('id', '=', id)
      .where(({ not, exists, selectFrom }) => not(exists(selectFrom('model').select('model.id').whereRef('model.memberId', '=', 'member.id').where('model.status', '!=', 'DELETED'))))
      .returning('id').executeTakeFirst()) !== undefined,
  };
}

type Owned = { table: Listed; owner: 'team_id' | 'client_id' | 'picture_id'; where?: RawBuilder<unknown>; accountId: AccountId; ids: readonly string[]; request: PageRequest };

async function listOwned<Id extends string, Row extends { id: string }>(database: Database<Tables>, { table, owner, accountId, ids, where = sql`true`, request: { limit, after, skip = 0 } }: Owned): Promise<OwnedRow<Id, Row>[]> {
  const [rows, column] = [sql.table(`headshot.${table}`), sql.ref(owner)];
  const found = await sql<Row & { owner: Id; total: number }>`select owners.owner, owners.total, page.* from (
      select ${column} as owner, count(*)::int as total from ${rows} where account_id = ${accountId} and ${column} in (${sql.join(ids)}) and ${where} group by ${column}) owners
    left join lateral (
      select * from ${rows} where account_id = ${accountId} and ${column} = owners.owner and ${where} and (${after}::text is null or id < ${after})
      order by id desc offset ${skip}::bigint limit ${limit}) page on true`.execute(database());
  return found.rows.map(({ owner: id, total: all, ...row }) => ({ owner: id, total: all, row: row.id === null ? null : (row as unknown as Row) }));
}

function inviteStatements(database: Database<Tables>) {
  const matching = (accountId: AccountId, filter: InviteFilter) => ({ eb, and }: ExpressionBuilder<Tables, 'invite'>) => and(of(accountId, filter).map(([name, value]) => eb(name as 'status', '=', value as InviteStatus)));
  const one = (accountId: AccountId, id: InviteId) => database().selectFrom('invite').selectAll().where('accountId', '=', accountId).where('id', '=', id);
  return {
    /** Those whose address has no invitation in use; the others are left out. */
    insertInvites: async (accountId: AccountId, invites: readonly Omit<Insertable<Tables['invite']>, 'accountId'>[]): Promise<InviteRow[]> =>
      database().insertInto('invite').values(invites.map((invite) => ({ ...invite, accountId }))).onConflict((conflict) => conflict.doNothing()).returningAll().execute(),
    findInvites: async (accountId: AccountId, ids: readonly InviteId[]): Promise<InviteRow[]> => database().selectFrom('invite').selectAll().where('accountId', '=', accountId).where('id', 'in', ids).execute(),
    findInvite: async (accountId: AccountId, id: InviteId): Promise<InviteRow | null> => (await one(accountId, id).executeTakeFirst()) ?? null,
    /** Holds the row to the end of the transaction: of two that want to change an invitation, one waits here. */
    lockInvite: async (accountId: AccountId, id: InviteId): Promise<InviteRow | null> => (await one(accountId, id).forUpdate().executeTakeFirst()) ?? null,
    /** The same for the one that led to a model. */
    lockInviteOfModel: async (accountId: AccountId, modelId: ModelId): Promise<InviteRow | null> =>
      (await database().selectFrom('invite').selectAll().where('accountId', '=', accountId).where('modelId', '=', modelId).forUpdate().executeTakeFirst()) ?? null,
    /** The newest of that address. */
    findInviteByEmail: async (accountId: AccountId, emailKey: string): Promise<InviteRow | null> =>
      (await database().selectFrom('invite').selectAll().where('accountId', '=', accountId).where('emailKey', '=', emailKey).orderBy('id', 'desc').limit(1).executeTakeFirst()) ?? null,
    findInvitesInUse: async (accountId: AccountId, emailKeys: readonly string[]): Promise<InviteRow[]> =>
      database().selectFrom('invite').selectAll().where('accountId', '=', accountId).where('emailKey', 'in', emailKeys).where('status', 'in', inUse).execute(),
    listInvites: async (accountId: AccountId, filter: InviteFilter, { limit, after, skip = 0 }: PageRequest): Promise<InviteRow[]> =>
      database().selectFrom('invite').selectAll().where(matching(accountId, filter)).where(behind(after)).orderBy('id', 'desc').offset(skip).limit(limit).execute(),
    countInvites: async (accountId: AccountId, filter: InviteFilter): Promise<number> => count(database().selectFrom('invite').select(total).where(matching(accountId, filter))),
    changeInvite: async (accountId: AccountId, id: InviteId, change: Partial<Pick<InviteRow, 'status' | 'modelId'>>): Promise<InviteRow> =>
      database().updateTable('invite').set(change).where('accountId', '=', accountId).where('id', '=', id).returningAll().executeTakeFirstOrThrow(),
  };
}

const notDeleted = sql`status <> 'DELETED'`;

function modelStatements(database: Database<Tables>) {
  const matching = (accountId: AccountId, { status, teamId }: ModelFilter) => ({ eb, and }: ExpressionBuilder<Tables, 'model'>) =>
    and([eb('accountId', '=', accountId), status ? eb('status', '=', status) : eb('status', '!=', 'DELETED'), ...(teamId ? [eb('teamId', '=', teamId)] : [])]);
  const one = (accountId: AccountId, id: ModelId) => database().selectFrom('model').selectAll().where('accountId', '=', accountId).where('id', '=', id);
  return {
    insertModel: async (accountId: AccountId, model: Omit<Insertable<Tables['model']>, 'accountId'>): Promise<ModelRow> =>
      database().insertInto('model').values({ ...model, accountId, failure: null }).returningAll().executeTakeFirstOrThrow(),
    findModels: async (accountId: AccountId, ids: readonly ModelId[]): Promise<ModelRow[]> => database().selectFrom('model').selectAll().where('accountId', '=', accountId).where('id', 'in', ids).execute(),
    /** The newest of each member that is not deleted. */
    findModelsOfMembers: async (accountId: AccountId, memberIds: readonly MemberId[]): Promise<ModelRow[]> => database().selectFrom('model').selectAll().distinctOn('memberId')
      .where('accountId', '=', accountId).where('memberId', 'in', memberIds).where('status', '!=', 'DELETED').orderBy('memberId').orderBy('id', 'desc').execute(),
    listModels: async (accountId: AccountId, filter: ModelFilter, { limit, after, skip = 0 }: PageRequest): Promise<ModelRow[]> =>
      database().selectFrom('model').selectAll().where(matching(accountId, filter)).where(behind(after)).orderBy('id', 'desc').offset(skip).limit(limit).execute(),
    countModels: async (accountId: AccountId, filter: ModelFilter): Promise<number> => count(database().selectFrom('model').select(total).where(matching(accountId, filter))),
    /** A page of each one's models, newest first, without deleted ones, and how many each has in all. */
    listModelsOf: async <Id extends TeamId | ClientId | PictureId>(accountId: AccountId, owner: 'team_id' | 'client_id' | 'picture_id', ids: readonly Id[], request: PageRequest): Promise<OwnedRow<Id, ModelRow>[]> =>
      listOwned<Id, ModelRow>(database, { table: 'model', owner, where: notDeleted, accountId, ids, request }),
    findModel: async (accountId: AccountId, id: ModelId): Promise<ModelRow | null> => (await one(accountId, id).executeTakeFirst()) ?? null,
    /** Holds the row to the end of the transaction. Whoever changes its invitation too has locked that before. */
    lockModel: async (accountId: AccountId, id: ModelId): Promise<ModelRow | null> => (await one(accountId, id).forUpdate().executeTakeFirst()) ?? null,
    renameModel: async (accountId: AccountId, id: ModelId, title: string): Promise<ModelRow> =>
      database().updateTable('model').set({ title }).where('accountId', '=', accountId).where('id', '=', id).returningAll().executeTakeFirstOrThrow(),
    /** Of one that has ended before: its events have too. */
    markModelDeleted: async (accountId: AccountId, id: ModelId): Promise<ModelRow | null> =>
      (await database().updateTable('model').set({ status: 'DELETED', stage: 'deleted', deletedAt: new Date(), updatedAt: new Date() }).where('accountId', '=', accountId).where('id', '=', id).returningAll().executeTakeFirst()) ?? null,
    /** The percentage never falls, and what has ended never changes: null then. */
    advanceModel: async (accountId: AccountId, id: ModelId, { percent, failure, ...fields }: Advance): Promise<ModelRow | null> =>
      (await database().updateTable('model')
        .set((eb) => ({
          ...fields, lastSeq: eb('lastSeq', '+', 1), updatedAt: new Date(),
          ...(percent !== undefined && { percent: sql<number>`greatest(percent, ${percent}::integer)` }), ...(failure !== undefined && { failure: failure && json(failure) }),
        }))
        .where('accountId', '=', accountId).where('id', '=', id).where('endedAt', 'is', null).returningAll().executeTakeFirst()) ?? null,
  };
}

export type Advance = Partial<Pick<ModelRow, 'status' | 'stage' | 'percent' | 'etaSeconds' | 'failure' | 'title' | 'finishedAt' | 'endedAt' | 'deletedAt'>>;
