import { sql } from 'kysely';
import { type Connection, json, type Store } from '../database.ts';
import type { AccountId, DeliveryId, EndpointId } from '../ids.ts';
import type { PageRequest } from '../paging.ts';
import type { AttemptLine, DeliveryState, WebhookTables } from '../webhooks-store.ts';

export type EndpointRow = {
  id: EndpointId; accountId: AccountId; url: string; events: readonly string[]; enabled: boolean; disabledAt: Date | null; disabledReason: string | null; formerSecretUntil: Date | null; createdAt: Date;
};
export type DeliveryRow = {
  id: DeliveryId; accountId: AccountId; endpointId: EndpointId | null; event: string; eventId: string; subjectId: string; url: string; state: DeliveryState; attempts: number;
  status: number | null; error: string | null; nextAttemptAt: Date | null; deliveredAt: Date | null; createdAt: Date;
};
export type AttemptRow = AttemptLine & { deliveryId: DeliveryId; number: number };
export type DeliveryFilter = { endpointId?: EndpointId; state?: DeliveryState | null | undefined; event?: string | null | undefined; subjectIds?: readonly string[] };
/** A new secret, and until when the one before counts. */
export type Rotation = { secret: string; until: Date };
export type EndpointStore = ReturnType<typeof createEndpointStore>;

const endpointColumns = ['id', 'account_id as accountId', 'url', 'events', 'enabled', 'disabled_at as disabledAt', 'disabled_reason as disabledReason', 'former_secret_until as formerSecretUntil', 'created_at as createdAt'] as const;
const deliveryColumns = [
  'id', 'account_id as accountId', 'endpoint_id as endpointId', 'event', 'event_id as eventId', 'subject_id as subjectId', 'url', 'state', 'attempts', 'status', 'error', 'next_attempt_at as nextAttemptAt',
  'delivered_at as deliveredAt', 'created_at as createdAt',
] as const;

/** Every statement on webhook endpoints and the log of deliveries that an account makes for itself. The tenant is always the first argument. */
export function createEndpointStore(connection: Connection) {
  const database = connection.store<WebhookTables>('enterprise');
  return { ...endpointStatements(database), ...secretStatements(database), ...logStatements(database) };
}

type Database = Store<WebhookTables>;

function endpointStatements(database: Database) {
  const own = (accountId: AccountId, id: EndpointId) => database().updateTable('webhook_endpoint').where('account_id', '=', accountId).where('id', '=', id);
  return {
    /** Whoever else adds one waits for the end of the transaction. How many there are. */
    lockEndpoints: async (accountId: AccountId): Promise<number> => {
      await sql`select 1 from enterprise.account where id = ${accountId} for no key update`.execute(database());
      return (await database().selectFrom('webhook_endpoint').select((eb) => eb.fn.countAll<number>().as('n')).where('account_id', '=', accountId).executeTakeFirstOrThrow()).n;
    },
    insertEndpoint: async (accountId: AccountId, { id, url, events, secret }: { id: EndpointId; url: string; events: readonly string[]; secret: string }): Promise<EndpointRow> =>
      database().insertInto('webhook_endpoint').values({ id, account_id: accountId, url, events: json(events), secret, former_secret: null, former_secret_until: null, disabled_at: null, disabled_reason: null, succeeded_at: null })
        .returning(endpointColumns).executeTakeFirstOrThrow(),
    /** Newest first. */
    listEndpoints: async (accountId: AccountId): Promise<EndpointRow[]> =>
      database().selectFrom('webhook_endpoint').select(endpointColumns).where('account_id', '=', accountId).orderBy('id', 'desc').execute(),
    findEndpoint: async (accountId: AccountId, id: EndpointId): Promise<EndpointRow | null> =>
      (await database().selectFrom('webhook_endpoint').select(endpointColumns).where('account_id', '=', accountId).where('id', '=', id).executeTakeFirst()) ?? null,
    /** Null: there is none of that id, as for all of these. */
    updateEndpoint: async (accountId: AccountId, id: EndpointId, { url, events }: { url?: string | undefined; events?: readonly string[] | undefined }): Promise<EndpointRow | null> =>
      (await own(accountId, id).set({ id, ...url !== undefined && { url }, ...events && { events: json(events) } }).returning(endpointColumns).executeTakeFirst()) ?? null,
    /** What was put aside for it is due now. Its silence counts from here. */
    enableEndpoint: async (accountId: AccountId, id: EndpointId, now: Date): Promise<EndpointRow | null> => {
      const row = await own(accountId, id).set({ enabled: true, disabled_at: null, disabled_reason: null, succeeded_at: now }).returning(endpointColumns).executeTakeFirst();
      if (row) await database().updateTable('webhook_delivery').set({ next_attempt_at: now }).where('account_id', '=', accountId).where('endpoint_id', '=', id).where('state', '=', 'WAITING').where('next_attempt_at', 'is', null).execute();
      return row ?? null;
    },
    disableEndpoint: async (accountId: AccountId, id: EndpointId, now: Date): Promise<EndpointRow | null> => {
      const row = await own(accountId, id).set({ enabled: false, disabled_at: now, disabled_reason: 'on request' }).returning(endpointColumns).executeTakeFirst();
      if (row) await database().updateTable('webhook_delivery').set({ next_attempt_at: null }).where('account_id', '=', accountId).where('endpoint_id', '=', id).where('state', '=', 'WAITING').execute();
      return row ?? null;
    },
    deleteEndpoint: async (accountId: AccountId, id: EndpointId): Promise<boolean> =>
      (await database().deleteFrom('webhook_endpoint').where('account_id', '=', accountId).where('id', '=', id).returning('id').executeTakeFirst()) !== undefined,
  };
}

function secretStatements(database: Database) {
  const former = ({ secret, until }: Rotation) => ({ secret, former_secret: sql<string>`secret`, former_secret_until: until });
  return {
    rotateEndpointSecret: async (accountId: AccountId, id: EndpointId, rotation: Rotation): Promise<EndpointRow | null> =>
      (await database().updateTable('webhook_endpoint').set(former(rotation)).where('account_id', '=', accountId).where('id', '=', id).returning(endpointColumns).executeTakeFirst()) ?? null,
    /** `fresh` becomes it when there is none. */
    getCallbackSecret: async (accountId: AccountId, fresh: string): Promise<string> => {
      await database().insertInto('callback_secret').values({ account_id: accountId, secret: fresh, former_secret: null, former_secret_until: null }).onConflict((conflict) => conflict.doNothing()).execute();
      return (await database().selectFrom('callback_secret').select('secret').where('account_id', '=', accountId).executeTakeFirstOrThrow()).secret;
    },
    rotateCallbackSecret: async (accountId: AccountId, rotation: Rotation): Promise<void> => {
      await database().insertInto('callback_secret').values({ account_id: accountId, secret: rotation.secret, former_secret: null, former_secret_until: null })
        .onConflict((conflict) => conflict.column('account_id').doUpdateSet({ secret: rotation.secret, former_secret: sql<string>`callback_secret.secret`, former_secret_until: rotation.until })).execute();
    },
  };
}

function logStatements(database: Database) {
  return {
    /** Newest first. */
    listDeliveries: async (accountId: AccountId, { endpointId, state, event, subjectIds }: DeliveryFilter, { limit, after }: PageRequest): Promise<DeliveryRow[]> => {
      let statement = database().selectFrom('webhook_delivery').select(deliveryColumns).where('account_id', '=', accountId).orderBy('id', 'desc').limit(limit);
      if (endpointId !== undefined) statement = statement.where('endpoint_id', '=', endpointId);
      if (state) statement = statement.where('state', '=', state);
      if (event) statement = statement.where('event', '=', event);
      if (subjectIds) statement = statement.where('subject_id', 'in', subjectIds);
      if (after !== null) statement = statement.where(sql<boolean>`id < ${after}`);
      return statement.execute();
    },
    findDelivery: async (accountId: AccountId, id: DeliveryId): Promise<DeliveryRow | null> =>
      (await database().selectFrom('webhook_delivery').select(deliveryColumns).where('account_id', '=', accountId).where('id', '=', id).executeTakeFirst()) ?? null,
    /** Oldest first. */
    listAttempts: async (accountId: AccountId, ids: readonly DeliveryId[]): Promise<AttemptRow[]> =>
      database().selectFrom('webhook_attempt').innerJoin('webhook_delivery', 'webhook_delivery.id', 'delivery_id').where('account_id', '=', accountId).where('delivery_id', 'in', ids).orderBy('delivery_id').orderBy('number')
        .select(['delivery_id as deliveryId', 'number', 'at', 'duration_ms', 'webhook_attempt.status', 'webhook_attempt.error', 'webhook_attempt.url', 'headers', 'body']).execute(),
    /** From the first try of the schedule on, under the same event id. */
    replayDelivery: async (accountId: AccountId, id: DeliveryId, now: Date): Promise<DeliveryRow | null> =>
      (await database().updateTable('webhook_delivery').set({ state: 'WAITING', tries: 0, next_attempt_at: now }).where('account_id', '=', accountId).where('id', '=', id).returning(deliveryColumns).executeTakeFirst()) ?? null,
  };
}
