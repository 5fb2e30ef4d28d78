import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext } from 'node:test';
import { parse } from 'graphql';
import { pino } from 'pino';
import { createAccountNames } from '../../../subgraphs/account-names.ts';
import { createBlobStore } from '../../../subgraphs/blobs.ts';
import { createClients } from '../../../subgraphs/clients.ts';
import { createCredits } from '../../../subgraphs/credits.ts';
import type { Connection } from '../../../subgraphs/database.ts';
import { createEngines } from '../../../subgraphs/engines/index.ts';
import { createEnterprise } from '../../../subgraphs/enterprise/index.ts';
import { parseEnvironment } from '../../../subgraphs/env.ts';
import { createErasures } from '../../../subgraphs/erasures.ts';
import { hairstyleMigrations } from '../../../subgraphs/hairstyle/index.ts';
import { createHeadshot } from '../../../subgraphs/headshot/index.ts';
import { createStore } from '../../../subgraphs/headshot/store.ts';
import { type AccountId, newAccountId, newKeyId } from '../../../subgraphs/ids.ts';
import { createJobs } from '../../../subgraphs/jobs.ts';
import { createKeptAnswers } from '../../../subgraphs/kept-answers.ts';
import { createKeys } from '../../../subgraphs/keys.ts';
import { createLooks } from '../../../subgraphs/looks.ts';
import { createMail } from '../../../subgraphs/mail.ts';
import { migrate } from '../../../subgraphs/migrations.ts';
import { createOutbound } from '../../../subgraphs/outbound.ts';
import type { Platform } from '../../../subgraphs/platform.ts';
import { createQuotas } from '../../../subgraphs/quotas.ts';
import { createRates } from '../../../subgraphs/rates.ts';
import { createRequests } from '../../../subgraphs/requests.ts';
import type { AccountKind, Caller } from '../../../subgraphs/subgraph.ts';
import { createWebhooks } from '../../../subgraphs/webhooks.ts';
import type { VisionEngine } from '../../../subgraphs/vision/index.ts';
import { openTestConnection } from '../../support/database.ts';

/** For what all tests of a file share. */
export const wholeFile: Pick<TestContext, 'after'> = { after: (close) => after(close as () => Promise<void>) };

type Options = { vision?: unknown; allow?: readonly string[]; connection?: Connection; work?: boolean; dataDir?: string };
type Answer = Record<string, unknown>;
export type Studio = Awaited<ReturnType<typeof openStudio>>;

/** The subgraph on a database of its own, with its worker. */
export async function openStudio(t: Pick<TestContext, 'after'>, { vision, allow = [], connection, work = true, dataDir }: Options = {}) {
  const closing: (() => Promise<unknown>)[] = [];
  // Before the database has its own turn to be closed.
  t.after(async () => {
    for (const close of closing.reverse()) await close();
  });
  const folder = dataDir ?? (await mkdtemp(join(tmpdir(), 'studio-')));
  if (dataDir === undefined) closing.push(() => rm(folder, { recursive: true, force: true }));
  const database = connection ?? (await openTestConnection(t));
  const env = parseEnvironment({ DATA_DIR: folder, NODE_ENV: 'test', WORKERS: '4', RENDER_WORKERS: '1', PUBLIC_URL: 'https://look.example' });
  const faults: unknown[] = [];
  const jobs = createJobs(database, { onError: (error) => faults.push(error) });
  const outbound = createOutbound({ allow });
  const log = pino({ level: 'silent' });
  const keys = await createKeys(database);
  const platform = {
    engines: createEngines({ config: env.engines, own: vision as VisionEngine, connection: database, allow, publicUrl: () => env.publicUrl, log }),
    env, connection: database, keys, jobs, outbound, log, vision, accountNames: createAccountNames(database), credits: createCredits(database), clients: createClients(database), erasures: createErasures(database, jobs),
    blobs: createBlobStore({ dataDir: folder, publicUrl: () => env.publicUrl, signingSecret: 'a secret of the test' }), webhooks: createWebhooks({ connection: database, jobs, outbound, log }),
    looks: createLooks(database), mail: createMail({ env, jobs, log }), quotas: createQuotas(database), rates: createRates(database, { perMinute: 600 }), answers: createKeptAnswers(database, { secret: () => 'a secret of the test', keptMs: 86_400_000 }), requests: createRequests(database, { keptMs: 86_400_000 }),
  } as Platform;
  await createEnterprise(platform);
  await migrate(database, 'hairstyle', hairstyleMigrations);
  const headshot = await createHeadshot(platform);
  await jobs.start({ work });
  let stopped = false;
  const stop = async (): Promise<void> => {
    if (stopped) return;
    stopped = true;
    await jobs.stop();
    await platform.engines.close();
    await keys.close();
    await outbound.close();
  };
  closing.push(stop);
  return { platform, headshot, store: createStore(database), faults, stop, ...questions(headshot), ...furniture(platform) };
}

function questions(headshot: Awaited<ReturnType<typeof createHeadshot>>) {
  const ask = async (caller: Caller | null, source: string, variables: Answer = {}) =>
    headshot.execute({ document: parse(source), variables, request: { caller, requestId: 'test' } });
  return {
    ask,
    /** The one root field of an operation that must not have errors. */
    async get<Value>(caller: Caller | null, source: string, variables: Answer = {}): Promise<Value> {
      const { data, errors } = await ask(caller, source, variables);
      assert.equal(errors, undefined, errors?.map((error) => error.message).join('\n'));
      return JSON.parse(JSON.stringify(Object.values(data ?? {})[0] ?? null)) as Value;
    },
    /** All events of a subscription to its end, or the first `limit`. */
    async listen<Value>(caller: Caller | null, source: string, variables: Answer = {}, limit = Infinity): Promise<Value[]> {
      const stream = await headshot.subscribe({ document: parse(source), variables, request: { caller, requestId: 'test' } });
      assert.ok(Symbol.asyncIterator in stream, JSON.stringify(stream));
      const events: Value[] = [];
      for await (const { data, errors } of stream) {
        assert.equal(errors, undefined, errors?.map((error) => error.message).join('\n'));
        events.push(JSON.parse(JSON.stringify(Object.values(data ?? {})[0])) as Value);
        if (events.length === limit) break;
      }
      return events;
    },
    /** A field of the caller's organization. */
    async own<Value>(caller: Caller, selection: string, id: AccountId = caller.accountId): Promise<Value | null> {
      const { data, errors } = await ask(caller, `query ($of: [_Any!]!) { _entities(representations: $of) { ... on Organization { ${selection} } } }`, { of: [{ __typename: 'Organization', id }] });
      assert.equal(errors, undefined, JSON.stringify(errors));
      const [[found] = []] = Object.values(JSON.parse(JSON.stringify(data)) as Record<string, (Value | null)[]>);
      return found ?? null;
    },
  };
}

function furniture({ connection, credits }: Platform) {
  return {
    /** An account with credits. */
    async account(amount = 100, accountKind: AccountKind = 'organization'): Promise<Caller> {
      const accountId = newAccountId();
      const slug = accountKind === 'enterprise' ? `salon-${accountId.slice(0, 8)}` : null;
      await connection.execute('insert into enterprise.account (id, kind, name, slug, business_type, subscription_status) values ($1, $2, $3, $4, $5, $6)', [accountId, accountKind, 'Test', slug, slug === null ? null : 'SALON', slug === null ? null : 'ACTIVE']);
      await connection.execute('insert into enterprise.balance (account_id, available, reserved) values ($1, 0, 0) on conflict do nothing', [accountId]);
      if (amount > 0) await credits.grant(accountId, amount, 'test');
      return { accountId, accountKind, keyId: newKeyId(), scopes: new Set() };
    },
    balance: async ({ accountId }: Caller) => credits.balance(accountId),
  };
}

export const createInvite = `mutation ($input: CreateInviteInput!) { createInvite(input: $input) {
  invite { id email status link token isDevelopment team { name } createdAt expiresAt } errors { type: __typename code message path ... on ConflictError { existingId } ... on InsufficientCreditsError { required available } } } }`;
export const revokeInvite = 'mutation ($email: EmailAddress!) { revokeInvite(email: $email) { invite { id status link } errors { code message } } }';
export const acceptInvite = 'mutation ($token: String!, $name: String!) { acceptInvite(token: $token, name: $name) { onboarding { email name expiresAt } errors { code message path } } }';
export type Refused = { type: string; code: string; message: string; path: string[] | null; existingId?: string | null; required?: number; available?: number };
export type Invited = { id: string; email: string; status: string; link: string | null; token: string | null; isDevelopment: boolean; team: { name: string } | null; createdAt: string; expiresAt: string };
export type InvitePayload = { invite: Invited | null; errors: Refused[] };
export type OnboardingPayload = { onboarding: { email: string; name: string; expiresAt: string } | null; errors: Refused[] };
