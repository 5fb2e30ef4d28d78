import { type Generated, type GeneratedAlways, type Insertable, sql } from 'kysely';
import { type Connection, json } from './database.ts';
import type { AccountId, DeliveryId, EndpointId } from './ids.ts';

type Secrets = { secret: string; former_secret: string | null; former_secret_until: Date | null };
export type DeliveryState = 'WAITING' | 'DELIVERED' | 'FAILED';

/** Tables of the outbox, in the schema `enterprise`. */
export type WebhookTables = {
  webhook_endpoint: Secrets & {
    id: EndpointId; account_id: AccountId; url: string; events: readonly string[]; enabled: Generated<boolean>; disabled_at: Date | null; disabled_reason: string | null;
    /** Within a minute. */
    succeeded_at: Date | null; created_at: Generated<Date>;
  };
  callback_secret: Secrets & { account_id: AccountId; created_at: Generated<Date> };
  webhook_delivery: {
    id: DeliveryId; position: GeneratedAlways<string>; account_id: AccountId; source: string; event: string; event_id: string; subject_id: string; data: unknown;
    endpoint_id: EndpointId | null; url: string; line: string; state: Generated<DeliveryState>;
    /** In all. */
    attempts: Generated<number>;
    /** On the present run through the schedule. */
    tries: Generated<number>;
    /** Null while nothing is to be done: it ended, or its endpoint is disabled. */
    next_attempt_at: Date | null;
    /** Whoever holds it lost it when this is over. */
    claimed_until: Date | null;
    status: number | null; error: string | null; delivered_at: Date | null; created_at: Date;
    /** Of the request that it goes back to. */
    trace: string | null;
  };
  webhook_attempt: { delivery_id: DeliveryId; number: number; at: Date; duration_ms: number; status: number | null; error: string | null; url: string; headers: Readonly<Record<string, string>>; body: string };
};

/** A delivery that this process is to make. `secrets` as `whsec_…`, the present one first. */
export type Claimed = {
  id: DeliveryId; accountId: AccountId; source: string; event: string; eventId: string; subjectId: string; data: unknown; endpointId: EndpointId | null; url: string;
  attempts: number; tries: number; createdAt: Date; claimedUntil: Date; trace: string | null; secrets: readonly [string, ...string[]];
};
export type AttemptLine = Omit<WebhookTables['webhook_attempt'], 'delivery_id' | 'number'>;
export type WebhookStore = ReturnType<typeof createWebhookStore>;

/** Statements of the one worker that serves all tenants, and of those who give it something to do. */
export function createWebhookStore(connection: Connection) {
  const database = connection.store<WebhookTables>('enterprise');
  return {
    /** Who listens to an event. Nobody can remove one of them before the end of the transaction. */
    listListeners: (accountId: AccountId, event: string): Promise<{ id: EndpointId; url: string }[]> =>
      database().selectFrom('webhook_endpoint').select(['id', 'url']).where('account_id', '=', accountId).where('enabled', '=', true)
        .where(sql<boolean>`(events @> to_jsonb(${event}::text) or events @> '"*"')`).forKeyShare().execute(),
    /** `fresh` becomes the secret of an account that has none. */
    async haveCallbackSecret(accountId: AccountId, fresh: string): Promise<void> {
      await database().insertInto('callback_secret').values({ account_id: accountId, secret: fresh, former_secret: null, former_secret_until: null }).onConflict((conflict) => conflict.doNothing()).execute();
    },
    async insertDeliveries(deliveries: readonly Insertable<WebhookTables['webhook_delivery']>[]): Promise<void> {
      await database().insertInto('webhook_delivery').values(deliveries.map((delivery) => ({ ...delivery, data: json(delivery.data) }))).execute();
    },
    claimDelivery: (search: Search) => claim(connection, search),
    /** Gives up a claim without an attempt. */
    async releaseClaim({ id, claimedUntil }: Claimed): Promise<void> {
      await database().updateTable('webhook_delivery').set({ claimed_until: null }).where('id', '=', id).where('claimed_until', '=', claimedUntil).execute();
    },
    /** Whoever had one is not running any more. */
    async releaseAllClaims(): Promise<void> {
      await database().updateTable('webhook_delivery').set({ claimed_until: null }).where('state', '=', 'WAITING').where('claimed_until', 'is not', null).execute();
    },
    /** Writes down an attempt. False: another process has taken the delivery over, and nothing is written. */
    finishAttempt: async ({ id, claimedUntil }: Claimed, line: AttemptLine, change: Ending): Promise<boolean> => connection.transaction(async () => {
      const kept = await database().updateTable('webhook_delivery')
        .set(({ eb }) => ({ ...change, url: line.url, status: line.status, error: line.error, claimed_until: null, attempts: eb('attempts', '+', 1), tries: eb('tries', '+', 1) }))
        .where('id', '=', id).where('claimed_until', '=', claimedUntil).returning('attempts').executeTakeFirst();
      if (!kept) return false;
      await database().insertInto('webhook_attempt').values({ ...line, headers: json(line.headers), delivery_id: id, number: kept.attempts }).execute();
      return true;
    }),
    async noteSuccess(id: EndpointId, at: Date): Promise<void> {
      await database().updateTable('webhook_endpoint').set({ succeeded_at: at }).where('id', '=', id)
        .where((eb) => eb.or([eb('succeeded_at', 'is', null), eb('succeeded_at', '<', new Date(at.getTime() - 60_000))])).execute();
    },
    /** What waits for it is put aside. `silentSince`: only when nothing was taken since. Whether it was enabled until now. */
    disableEndpoint: (id: EndpointId, { at, reason, silentSince }: { at: Date; reason: string; silentSince: Date | null }): Promise<boolean> => connection.transaction(async () => {
      let statement = database().updateTable('webhook_endpoint').set({ enabled: false, disabled_at: at, disabled_reason: reason }).where('id', '=', id).where('enabled', '=', true);
      if (silentSince) statement = statement.where((eb) => eb.or([eb('succeeded_at', 'is', null), eb('succeeded_at', '<', silentSince)]));
      if (!(await statement.returning('id').executeTakeFirst())) return false;
      await database().updateTable('webhook_delivery').set({ next_attempt_at: null }).where('endpoint_id', '=', id).where('state', '=', 'WAITING').execute();
      return true;
    }),
    async deleteDelivery(id: DeliveryId): Promise<void> {
      await database().deleteFrom('webhook_delivery').where('id', '=', id).execute();
    },
    async deleteAbout(subjectIds: readonly string[]): Promise<void> {
      await database().deleteFrom('webhook_delivery').where('subject_id', '=', sql<string>`any(${subjectIds}::text[])`).execute();
    },
    /** Those that ended, or wait for nothing. How many. */
    trimDeliveries: async (before: Date): Promise<number> =>
      Number((await database().deleteFrom('webhook_delivery').where('created_at', '<', before).where('next_attempt_at', 'is', null).executeTakeFirst()).numDeletedRows),
  };
}

type Search = { now: Date; until: Date; sources: readonly string[]; busy: readonly AccountId[] };
export type Ending = { state: DeliveryState; next_attempt_at: Date | null; delivered_at?: Date };

/** The delivery that is due for longest, of a tenant that is not busy, and with nothing before it in its line. Null: there is none. */
async function claim(connection: Connection, { now, until, sources, busy }: Search): Promise<Claimed | null> {
  const database = connection.store<WebhookTables>('enterprise');
  const { rows: [row] } = await sql<Omit<Claimed, 'secrets'> & { secret: string; former: string | null }>`
    with due as (
      select d.id, coalesce(e.secret, c.secret) as secret,
        case when coalesce(e.former_secret_until, c.former_secret_until) > ${now} then coalesce(e.former_secret, c.former_secret) end as former,
        coalesce(e.url, d.url) as url
      from enterprise.webhook_delivery d
      left join enterprise.webhook_endpoint e on e.id = d.endpoint_id
      left join enterprise.callback_secret c on d.endpoint_id is null and c.account_id = d.account_id
      where d.state = 'WAITING' and d.next_attempt_at <= ${now} and (d.claimed_until is null or d.claimed_until <= ${now})
        and d.source = any(${sources}::text[]) and d.account_id <> all(${busy}::uuid[])
        and not exists (select 1 from enterprise.webhook_delivery before where before.line = d.line and before.state = 'WAITING' and before.position < d.position)
      order by d.next_attempt_at, d.position limit 1 for update of d skip locked)
    update enterprise.webhook_delivery d set claimed_until = ${until} from due where d.id = due.id
    returning d.id, d.account_id as "accountId", d.source, d.event, d.event_id as "eventId", d.subject_id as "subjectId", d.data, d.endpoint_id as "endpointId", due.url,
      d.attempts, d.tries, d.created_at as "createdAt", d.claimed_until as "claimedUntil", d.trace, due.secret, due.former`.execute(database());
  if (!row) return null;
  const { secret, former, ...delivery } = row;
  return { ...delivery, secrets: former === null ? [secret] : [secret, former] };
}
