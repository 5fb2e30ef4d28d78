import { after } from 'node:test';
import { pino } from 'pino';
import type { Connection } from '../../subgraphs/database.ts';
import { createAccounts, enterpriseMigrations } from '../../subgraphs/enterprise/index.ts';
import { createEndpointStore } from '../../subgraphs/enterprise/endpoint-store.ts';
import { type AccountId, newEndpointId, newGenerationId } from '../../subgraphs/ids.ts';
import { createJobs } from '../../subgraphs/jobs.ts';
import { migrate } from '../../subgraphs/migrations.ts';
import { createOutbound } from '../../subgraphs/outbound.ts';
import { createSecret, createWebhooks, type WebhookDialect } from '../../subgraphs/webhooks.ts';
import { until } from '../support/database.ts';
import { openReceiver } from '../support/receiver.ts';

const plain: WebhookDialect = { body: async ({ event, data }) => ({ event, data }) };

/** The outbox and its worker over a database, with a clock that stands still until it is moved, and a receiver. */
export async function openPostOffice(connection: Connection, { work = true, dialect = plain }: { work?: boolean; dialect?: WebhookDialect } = {}) {
  await migrate(connection, 'enterprise', enterpriseMigrations);
  const files = { after: (close: () => Promise<void> | void) => after(close) };
  const receiver = await openReceiver(files);
  const faults: unknown[] = [];
  let nowMs = Date.parse('2026-03-01T00:00:00.000Z');
  const now = (): number => nowMs;
  const outbound = createOutbound({ allow: [receiver.host] });
  const open = async () => {
    const jobs = createJobs(connection, { onError: (error) => faults.push(error) });
    const webhooks = createWebhooks({ connection, jobs, outbound, log: pino({ level: 'silent' }), now });
    webhooks.define('hairstyle.generation', dialect);
    const disabled: string[] = [];
    webhooks.onDisabled(async ({ endpointId }) => void disabled.push(endpointId));
    await jobs.start({ work });
    return { jobs, webhooks, disabled };
  };
  const first = await open();
  const opened = [first];
  after(async () => {
    for (const { jobs } of opened) await jobs.stop();
    await outbound.close();
  });
  const endpoints = createEndpointStore(connection);
  const rows = () => connection.execute('select * from enterprise.webhook_delivery order by position');
  const account = () => createAccounts(connection).createAccount({ kind: 'personal', name: 'Somebody' });
  return {
    ...first, receiver, endpoints, faults, now, rows, account,
    another: async () => {
      const next = await open();
      opened.push(next);
      return next;
    },
    /** Moves the clock and lets the worker look at it. */
    async moveTo(time: Date | number): Promise<void> {
      nowMs = Number(time);
      await first.webhooks.wake();
    },
    async endpoint(accountId: AccountId, path: string) {
      const secret = createSecret();
      return { ...await endpoints.insertEndpoint(accountId, { id: newEndpointId(), url: receiver.url(path), events: ['*'], secret }), secret };
    },
    /** Tells an event of a subject; the subject. */
    async tell(accountId: AccountId, { subjectId = newGenerationId() as string, data = null as unknown, callbackUrl = null as string | null } = {}): Promise<string> {
      await connection.transaction(() => first.webhooks.publish('hairstyle.generation', { accountId, subjectId, event: 'generation.completed', data, callbackUrl }));
      return subjectId;
    },
    /** The delivery about a subject, when so many attempts were made. */
    attempted: (subjectId: string, attempts: number) => until(async () => (await rows()).find((row) => row['subject_id'] === subjectId && Number(row['attempts']) >= attempts) ?? null),
  };
}
