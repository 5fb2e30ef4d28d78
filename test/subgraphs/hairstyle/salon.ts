import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext } from 'node:test';
import { parse } from 'graphql';
import { pino } from 'pino';
import sharp from 'sharp';
import { createBlobStore } from '../../../subgraphs/blobs.ts';
import { createClients } from '../../../subgraphs/clients.ts';
import { createCredits } from '../../../subgraphs/credits.ts';
import type { Connection } from '../../../subgraphs/database.ts';
import { createEnterprise } from '../../../subgraphs/enterprise/index.ts';
import { parseEnvironment } from '../../../subgraphs/env.ts';
import { createHairstyle } from '../../../subgraphs/hairstyle/index.ts';
import { createStore } from '../../../subgraphs/hairstyle/store.ts';
import { type AccountId, newAccountId, newImageId } from '../../../subgraphs/ids.ts';
import { createErasures } from '../../../subgraphs/erasures.ts';
import { createJobs } from '../../../subgraphs/jobs.ts';
import { createKeptAnswers } from '../../../subgraphs/kept-answers.ts';
import { createKeys } from '../../../subgraphs/keys.ts';
import { createMail } from '../../../subgraphs/mail.ts';
import { createOutbound } from '../../../subgraphs/outbound.ts';
import type { Platform } from '../../../subgraphs/platform.ts';
import { createQuotas } from '../../../subgraphs/quotas.ts';
import { createRates } from '../../../subgraphs/rates.ts';
import { createRequests } from '../../../subgraphs/requests.ts';
import type { AccountKind, Caller } from '../../../subgraphs/subgraph.ts';
import { createEngines } from '../../../subgraphs/engines/index.ts';
import type { EngineContext, HairstyleRequest, RenderedImage } from '../../../subgraphs/vision/engine.ts';
import type { VisionEngine } from '../../../subgraphs/vision/index.ts';
import { createWebhooks } from '../../../subgraphs/webhooks.ts';
import { openTestConnection, until } from '../../support/database.ts';

/** What an engine does before it paints its n-th picture, counted from 1. */
export type Before = (picture: number, request: HairstyleRequest, context: EngineContext) => Promise<void> | void;

/** An engine behind the public interface that paints a plain picture of the asked color at once. It does not listen to its signal. */
export function painter(before: Before = () => {}) {
  let pictures = 0;
  return {
    pictures: () => pictures,
    /** From now on it does this before it paints, and counts anew. */
    does(next: Before): void {
      before = next;
      pictures = 0;
    },
    info: () => ({ id: 'painter', version: '1', quality: 'preview' as const }),
    async generate(request: HairstyleRequest, context: EngineContext): Promise<RenderedImage> {
      pictures += 1;
      for (const stage of ['decode', 'detect', 'segment'] as const) context.onProgress({ stage, fraction: 1 });
      await before(pictures, request, context);
      context.onProgress({ stage: 'render', fraction: 1 });
      const bytes = await sharp({ create: { width: 96, height: 120, channels: 3, background: request.color?.hex ?? '#777777' } }).jpeg().toBuffer();
      return { bytes, mime: 'image/jpeg', width: 96, height: 120, quality: 'ok', warnings: [], timingsMs: {} };
    },
    /** Finds nothing wrong with any picture. */
    inspect: async (bytes: Uint8Array) => ({ issues: [], remarks: [], normalised: bytes }),
    close: async () => {},
  };
}

/** For what all tests of a file share. */
export const wholeFile: Pick<TestContext, 'after'> = { after: (close) => after(close as () => Promise<void>) };

type Options = { vision?: unknown; allow?: readonly string[]; connection?: Connection; work?: boolean; dataDir?: string; /** Of deliveries. */ now?: () => number };

/** The subgraph on a database of its own, with its worker. */
export async function openSalon(t: Pick<TestContext, 'after'>, { vision = painter(), allow = [], connection, work = true, dataDir, now = Date.now }: Options = {}) {
  const closing: (() => Promise<unknown>)[] = [];
  // Before the database has its own turn to be closed.
  t.after(async () => {
    for (const close of closing.reverse()) await close();
  });
  const folder = dataDir ?? (await mkdtemp(join(tmpdir(), 'salon-')));
  if (dataDir === undefined) closing.push(() => rm(folder, { recursive: true, force: true }));
  const database = connection ?? (await openTestConnection(t));
  const env = parseEnvironment({ DATA_DIR: folder, NODE_ENV: 'test', WORKERS: '4', RENDER_WORKERS: '1', PUBLIC_URL: 'https://look.example' });
  const faults: unknown[] = [];
  const jobs = createJobs(database, { onError: (error) => faults.push(error) });
  const outbound = createOutbound({ allow });
  const log = pino({ level: 'silent' });
  const keys = await createKeys(database);
  const platform = {
    env, engines: createEngines({ config: env.engines, own: vision as VisionEngine, connection: database, allow, publicUrl: () => env.publicUrl, log }), connection: database, keys, jobs, outbound, log, vision, credits: createCredits(database), clients: createClients(database), erasures: createErasures(database, jobs),
    blobs: createBlobStore({ dataDir: folder, publicUrl: () => env.publicUrl, signingSecret: 'a secret of the test' }), webhooks: createWebhooks({ connection: database, jobs, outbound, log, now }),
    mail: createMail({ env, jobs, log }), quotas: createQuotas(database), rates: createRates(database, { perMinute: 600 }), answers: createKeptAnswers(database, { secret: () => 'a secret of the test', keptMs: 86_400_000 }), requests: createRequests(database, { keptMs: 86_400_000 }),
  } as Platform;
  const enterprise = await createEnterprise(platform);
  const hairstyle = await createHairstyle(platform);
  await jobs.start({ work });
  let stopped = false;
  const stop = async (): Promise<void> => {
    if (stopped) return;
    stopped = true;
    await jobs.stop();
    await keys.close();
    await outbound.close();
    await platform.engines.close();
  };
  closing.push(stop);
  const store = createStore(database);
  return { platform, enterprise, hairstyle, store, faults, stop, ...questions(hairstyle), ...furniture(platform, store) };
}
export type Salon = Awaited<ReturnType<typeof openSalon>>;

type Answer = Record<string, unknown>;

function questions(hairstyle: Awaited<ReturnType<typeof createHairstyle>>) {
  const ask = async (caller: Caller | null, source: string, variables: Answer = {}) =>
    hairstyle.execute({ document: parse(source), variables, request: { caller, requestId: 'test' } });
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
      const stream = await hairstyle.subscribe({ document: parse(source), variables, request: { caller, requestId: 'test' } });
      assert.ok(Symbol.asyncIterator in stream, JSON.stringify(stream));
      const events: Value[] = [];
      for await (const { data, errors } of stream) {
        assert.equal(errors, undefined, errors?.map((error) => error.message).join('\n'));
        events.push(JSON.parse(JSON.stringify(Object.values(data ?? {})[0])) as Value);
        if (events.length === limit) break;
      }
      return events;
    },
  };
}

function furniture({ connection, credits, blobs }: Platform, store: ReturnType<typeof createStore>) {
  return {
    /** An account with credits. */
    async account(amount = 100, accountKind: AccountKind = 'personal'): Promise<Caller> {
      const accountId = newAccountId();
      const slug = accountKind === 'enterprise' ? `salon-${accountId.slice(0, 8)}` : null;
      await connection.execute('insert into enterprise.account (id, kind, name, slug, business_type, subscription_status) values ($1, $2, $3, $4, $5, $6)', [accountId, accountKind, 'Test', slug, slug === null ? null : 'SALON', slug === null ? null : 'ACTIVE']);
      await connection.execute('insert into enterprise.balance (account_id, available, reserved) values ($1, 0, 0) on conflict do nothing', [accountId]);
      if (amount > 0) await credits.grant(accountId, amount, 'test');
      return { accountId, accountKind, keyId: 'key_test' as Caller['keyId'], scopes: new Set(['generations:read', 'generations:write']) };
    },
    /** A photo that was checked and kept before. */
    async photo(accountId: AccountId, name = 'me.jpg'): Promise<string> {
      const bytes = await sharp({ create: { width: 64, height: 80, channels: 3, background: '#caa' } }).jpeg().toBuffer();
      const blobKey = await blobs.put(bytes, { contentType: 'image/jpeg' });
      return (await store.insertImage(accountId, { id: newImageId(), name, blobKey, width: 64, height: 80, issues: [] })).id;
    },
    /** Waits for the end of a generation. */
    async ended(accountId: AccountId, id: string) {
      return until(async () => {
        const row = await store.findGeneration(accountId, id as Parameters<typeof store.findGeneration>[1]);
        return row && ['COMPLETED', 'FAILED', 'CANCELED'].includes(row.status) ? row : null;
      }, 60_000);
    },
  };
}

export const styleIds = ['817941', '462817', '739205', '158634'];
export const generate = `mutation ($input: GenerateHairstyleInput!) { generateHairstyle(input: $input) {
  generation { id mode cost progress { status stage percent seq } styles { id } hairColor { name } source { name url } }
  errors { type: __typename code message path ... on InsufficientCreditsError { required available } ... on ImageRejectedError { issues } } } }`;
export type Generated = {
  generation: { id: string; mode: string; cost: number; progress: { status: string; stage: string; percent: number; seq: number }; styles: { id: string }[]; hairColor: { name: string } | null; source: { name: string; url: string } } | null;
  errors: { type: string; code: string; message: string; path: string[] | null; required?: number; available?: number; issues?: string[] }[];
};
export const progress = `subscription ($id: ID!, $afterSeq: Int) { generationProgress(id: $id, afterSeq: $afterSeq) {
  seq kind terminal gap progress { status stage percent seq etaSeconds } image { id url style { id } } failure { code message retryable refunded } generation { id progress { status } images { id } } } }`;
export type ProgressEvent = {
  seq: number; kind: string; terminal: boolean; gap: boolean; progress: { status: string; stage: string; percent: number; seq: number; etaSeconds: number | null };
  image: { id: string; url: string; style: { id: string } } | null; failure: { code: string; message: string; retryable: boolean; refunded: boolean } | null;
  generation: { id: string; progress: { status: string }; images: { id: string }[] };
};
