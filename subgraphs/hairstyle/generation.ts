import { Failure } from '../../schema/failures.ts';
import type { GenerateHairstyleInput } from '../../schema/types/hairstyle.ts';
import { type AccountId, type ClientId, type GenerationId, newGenerationId, newPictureId, parseClientId } from '../ids.ts';
import { interruptionOf, isOutage, type JobRun } from '../jobs.ts';
import { createPace, createReporter, etaSeconds, type Pace, percentOf } from '../picture-jobs.ts';
import type { Platform } from '../platform.ts';
import type { Keyed } from '../requests.ts';
import type { Caller } from '../subgraph.ts';
import { EngineFault, EngineRefusal, type RenderedImage } from '../vision/engine.ts';
import { checkCallback, endEvents } from './callback.ts';
import type { Catalogue } from './catalogue.ts';
import type { Images } from './image.ts';
import type { Journal } from './progress.ts';
import { orderOf } from './order.ts';
import { renderAll } from './render.ts';
import { checkStyles, chooseColor, chooseImage, costOf, type Failing, type Mode, mostStyles } from './rules.ts';
import { StyleGone, type Styles } from './style.ts';
import type { Advance, GenerationRow, ImageRow, Store } from './store.ts';

export const generationQueue = 'hairstyle.generation';
/** Names the callbacks of generations among those of other subgraphs. */
export const callbackSource = 'hairstyle.generation';
export type GenerationJob = { accountId: AccountId; generationId: GenerationId };
type Parts = { platform: Platform; store: Store; catalogue: Catalogue; images: Images; styles: Styles; journal: Journal };

/** `replayed`: an earlier request with the same idempotency key made it. */
type Accepted = { generation: GenerationRow; replayed: boolean };
export type Generations = ReturnType<typeof createGenerations>;

/** The whole life of a generation: accepted, run by a worker, finished, failed or canceled. */
export function createGenerations(parts: Parts) {
  const pace = createPace();
  return {
    /** With its credits and its job, or not at all: a signal that is aborted before the commit undoes everything. */
    accept: async (caller: Caller, input: GenerateHairstyleInput, keyed: Keyed | null, signal?: AbortSignal): Promise<Accepted> => accept(parts, pace, caller, { input, keyed, signal }),
    /** What `accept` would hold. Refuses styles as that does. */
    async preview({ accountId }: Caller, mode: Mode, styleIds: readonly string[]) {
      const required = costOf(mode, (await knownStyles(parts, accountId, styleIds)).length);
      const { available } = await parts.platform.credits.balance(accountId);
      return { required, available, isCovered: required <= available };
    },
    cancel: async (caller: Caller, id: GenerationId | null): Promise<GenerationRow> => cancel(parts, caller.accountId, id),
    /** Cancels it when it is open; nothing happens when it is not. */
    withdraw: async (accountId: AccountId, id: GenerationId): Promise<void> => void (await cancel(parts, accountId, id)),
    /** Does the job. Safe to run twice, and again after a crash at any moment. */
    run: async (job: JobRun<GenerationJob>): Promise<void> => run(parts, pace, job),
    /** For a job that failed for good and may not have said so, as after its process was killed again and again. */
    abandon: async ({ accountId, generationId }: GenerationJob): Promise<void> => fail(parts, accountId, generationId, faultOf('INTERNAL')),
  };
}

type Order = { input: GenerateHairstyleInput; keyed: Keyed | null; signal: AbortSignal | undefined };

async function accept(parts: Parts, pace: Pace, caller: Caller, { input, keyed, signal }: Order): Promise<Accepted> {
  const { platform, store, catalogue, images, journal } = parts;
  const { accountId } = caller;
  const replay = async (id: GenerationId): Promise<Accepted | null> => {
    const generation = await store.findGeneration(accountId, id);
    return generation && { generation, replayed: true };
  };
  // Before all else: a repeated request is answered even when its address is gone by now.
  const earlier = await platform.requests.findEarlier(accountId, keyed, replay);
  if (earlier) return earlier;
  const styleIds = await knownStyles(parts, accountId, input.styleIds);
  const color = chooseColor(catalogue.colors, input.hairColor);
  const callbackUrl = input.callbackUrl ? checkCallback(platform.outbound, input.callbackUrl) : null;
  const clientId = await checkClient(platform, accountId, input.clientId);
  const mode = input.mode ?? 'LIVE';
  const id = newGenerationId();
  const work = async (keep: () => Promise<ImageRow>): Promise<Accepted> => {
    // Whoever erases the client waits for this transaction, or this one finds nobody.
    if (clientId !== null && !(await platform.clients.holdClient(accountId, clientId))) throw noClient();
    const source = await keep();
    const row = await store.insertGeneration(accountId, {
      id, clientId: clientId, mode, gender: input.gender, forceNewHairline: input.forceNewHairline ?? false, sourceId: source.id, styleIds,
      colorId: color?.id ?? null, callbackUrl: callbackUrl, seed: seedOf(source), cost: costOf(mode, styleIds.length), status: 'QUEUED', stage: 'queued', percent: 0,
      etaSeconds: etaSeconds(pace.secondsPerPicture(), styleIds.map(() => 0), platform.env.renderWorkers), lastSeq: 1, failure: null, updatedAt: new Date(), completedAt: null,
    });
    await platform.credits.reserve(accountId, id, row.cost, `Hairstyle generation, ${styleIds.length} pictures`, caller.keyId);
    await journal.begin(row);
    const job: GenerationJob = { accountId, generationId: id };
    await platform.jobs.enqueue(generationQueue, job, { jobKey: id, tenant: accountId });
    // Whoever was told that it took too long will send it again.
    signal?.throwIfAborted();
    return { generation: row, replayed: false };
  };
  return images.withChosen(accountId, chooseImage(input), signal, async (keep) => platform.requests.once(accountId, keyed, id, { work: async () => work(keep), replay }));
}

/** Of the catalogue or the account's own. Refuses with VALIDATION. */
async function knownStyles({ catalogue, styles }: Parts, accountId: AccountId, given: readonly string[]): Promise<readonly string[]> {
  const own = await styles.usable(accountId, given.slice(0, mostStyles));
  return checkStyles(given, (id) => catalogue.findStyle(id) !== null || own.has(id));
}

async function checkClient({ clients }: Platform, accountId: AccountId, given: string | null | undefined): Promise<ClientId | null> {
  if (given === null || given === undefined) return null;
  const clientId = parseClientId(given);
  const client = clientId && (await clients.findClient(accountId, clientId));
  if (!client) throw noClient();
  return clientId;
}

const noClient = (): Failure => new Failure('NOT_FOUND', 'No such client', { path: ['input', 'clientId'] });

/** The same photo is drawn the same way again. */
const seedOf = ({ blobKey }: ImageRow): number => Number.parseInt(blobKey.slice(0, 7), 16);

async function run(parts: Parts, pace: Pace, { data: { accountId, generationId }, lastAttempt, signal }: JobRun<GenerationJob>): Promise<void> {
  const generation = await begin(parts, accountId, generationId);
  if (!generation) return;
  try {
    await produce(parts, pace, generation, signal);
  } catch (error) {
    const interruption = interruptionOf(signal);
    // Canceled, or for another process to do: either way the generation is no longer ours.
    if (interruption !== null && interruption !== 'deadline') throw error;
    if (error instanceof StyleGone) return fail(parts, accountId, generationId, { code: 'STYLE_DELETED', message: 'A style was deleted before its picture was made.', retryable: false });
    if (error instanceof EngineRefusal) return fail(parts, accountId, generationId, { code: error.code, message: error.message, retryable: false });
    if (lastAttempt && !isOutage(error)) await fail(parts, accountId, generationId, faultOf(interruption === 'deadline' ? 'TIMEOUT' : error instanceof EngineFault ? error.code : 'INTERNAL'));
    throw error;
  }
}

/** Null: it is final already. */
async function begin({ platform, store, journal }: Parts, accountId: AccountId, id: GenerationId): Promise<GenerationRow | null> {
  return platform.connection.transaction(async () => {
    const open = await store.lockOpenGeneration(accountId, id);
    return open?.status === 'QUEUED' ? journal.record(accountId, id, 'STATUS', { status: 'PROCESSING', stage: 'validate', percent: percentOf([0]) }) : open;
  });
}

async function produce(parts: Parts, pace: Pace, generation: GenerationRow, signal: AbortSignal): Promise<void> {
  const { platform, store, journal } = parts;
  const { accountId, id, styleIds } = generation;
  const present = new Set((await store.listPictures(accountId, [id])).map(({ position }) => position));
  const gone = new AbortController();
  const atOnce = platform.env.renderWorkers;
  const reporter = createReporter(generation, styleIds.map((_, position) => (present.has(position) ? 1 : 0)), { ...pace, atOnce }, async (advance) => {
    const row = await platform.connection.transaction(async () => journal.record(accountId, id, 'PROGRESS', advance));
    if (!row) gone.abort();
  });
  const rendering = renderAll(await orderOf(parts, generation, present), atOnce, AbortSignal.any([signal, gone.signal]), {
    onProgress: reporter.report,
    async onPicture(position, image, tookMs) {
      pace.note(tookMs);
      await reporter.stored(position, async (advance) => {
        if (!(await keep(parts, generation, position, image, advance))) gone.abort();
      });
    },
  });
  await rendering.catch((error: unknown) => {
    if (!gone.signal.aborted) throw error;
  });
  await reporter.settle();
  if (!gone.signal.aborted) await finish(parts, accountId, id);
}

/** Stores a finished picture and tells of it. False: the generation is final, the picture was thrown away. */
async function keep({ platform, store, journal }: Parts, generation: GenerationRow, position: number, image: RenderedImage, advance: Advance): Promise<boolean> {
  const { accountId, id, styleIds, colorId } = generation;
  const blobKey = await platform.blobs.put(image.bytes, { contentType: image.mime });
  const { width, height } = image;
  const picture = { id: newPictureId(), generationId: id, position, styleId: styleIds[position] ?? '', colorId, blobKey, width, height, lowQuality: image.quality === 'low', ...image.madeBy };
  const outcome = await platform.connection.transaction(async () => {
    if (!(await store.lockOpenGeneration(accountId, id))) return 'final';
    // Another worker that was taken for dead may have been here before.
    if (!(await store.insertPicture(accountId, picture))) return 'there';
    await journal.record(accountId, id, 'IMAGE_READY', advance, picture.id);
    return 'kept';
  });
  if (outcome !== 'kept') await platform.blobs.delete(blobKey);
  return outcome !== 'final';
}

async function finish(parts: Parts, accountId: AccountId, id: GenerationId): Promise<void> {
  await parts.platform.connection.transaction(async () => {
    const open = await parts.store.lockOpenGeneration(accountId, id);
    if (!open) return;
    await parts.platform.credits.consume(id);
    await showClient(parts, open);
    await close(parts, open, { status: 'COMPLETED', stage: 'done', percent: 100 });
  });
}

/** The pictures of a client's generation stand among the client's media. */
async function showClient({ platform, store }: Parts, { accountId, id, clientId }: GenerationRow): Promise<void> {
  if (clientId === null) return;
  const pictures = await store.listPictures(accountId, [id]);
  await platform.clients.showPictures(accountId, clientId, pictures.map(({ blobKey, id: pictureId }) => ({ blobKey, fileName: `img-${pictureId.slice(-6).toLowerCase()}` })));
}

async function fail(parts: Parts, accountId: AccountId, id: GenerationId, failure: Omit<Failing, 'refunded'>): Promise<void> {
  await parts.platform.connection.transaction(async () => {
    const open = await parts.store.lockOpenGeneration(accountId, id);
    if (!open) return;
    const refunded = await parts.platform.credits.release(id);
    await close(parts, open, { status: 'FAILED', failure: { ...failure, refunded } });
  });
}

async function cancel(parts: Parts, accountId: AccountId, id: GenerationId | null): Promise<GenerationRow> {
  const { platform, store } = parts;
  if (id) await platform.connection.transaction(async () => {
    const open = await store.lockOpenGeneration(accountId, id);
    if (!open) return;
    await platform.credits.release(id);
    await close(parts, open, { status: 'CANCELED' });
    await platform.jobs.cancel(generationQueue, id);
  });
  const row = id && (await store.findGeneration(accountId, id));
  if (!row) throw new Failure('NOT_FOUND', 'Generation job not found', { path: ['id'] });
  return row;
}

/** The last change of a generation, in the running transaction: status, terminal event, callback; what is not paid is withdrawn. */
async function close({ platform, store, journal }: Parts, open: GenerationRow, end: Advance & { status: 'COMPLETED' | 'FAILED' | 'CANCELED' }): Promise<void> {
  const { accountId, id, callbackUrl } = open;
  const withdrawn = end.status === 'COMPLETED' ? [] : await store.deletePictures(accountId, id);
  await journal.record(accountId, id, end.status, { ...end, etaSeconds: null, completedAt: new Date() });
  await platform.webhooks.publish(callbackSource, { accountId, subjectId: id, event: endEvents[end.status], callbackUrl });
  platform.connection.afterCommit(() => {
    // A file that stays behind is a waste, not a fault.
    Promise.all(withdrawn.map(async (key) => platform.blobs.delete(key))).catch((error: unknown) => platform.log.warn({ err: error, generation: id }, 'withdrawn pictures were not deleted'));
  });
}

const faultMessages = { TIMEOUT: 'Making the pictures took too long.', UNAVAILABLE: 'The pictures cannot be made at the moment.', INTERNAL: 'Something went wrong on our side.' };

function faultOf(code: keyof typeof faultMessages): Omit<Failing, 'refunded'> {
  return { code, message: `${faultMessages[code]} Please try again.`, retryable: true };
}
