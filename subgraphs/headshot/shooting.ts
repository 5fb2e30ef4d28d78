import { interruptionOf, isOutage, type InterruptionKind, type JobRun } from '../jobs.ts';
import { type AccountId, type ModelId, newPhotoId } from '../ids.ts';
import { createReporter, makeAll, type Pace, percentOf } from '../picture-jobs.ts';
import { EngineFault, EngineRefusal, type RenderedHeadshot } from '../vision/engine.ts';
import { failModel, finishModel, type Parts } from './ending.ts';
import type { Failing } from './rules.ts';
import { planShots, seriesOf, type Shot } from './shots.ts';
import type { Advance, ModelRow } from './store.ts';

/** The queue that makes headshots of complete selfies. */
export const modelQueue = 'headshot.model';
export type ModelJob = { accountId: AccountId; subjectId: ModelId };

/** Makes a model's headshots. Safe to run twice, and again after a crash at any moment. */
export async function shootModel(parts: Parts, pace: Pace, { data: { accountId, subjectId }, lastAttempt, signal }: JobRun<ModelJob>): Promise<void> {
  const model = await begin(parts, accountId, subjectId);
  if (!model) return;
  try {
    await produce(parts, pace, model, signal);
  } catch (error) {
    const interruption = interruptionOf(signal);
    // Deleted, or for another process to do: either way the model is no longer ours.
    if (interruption !== null && interruption !== 'deadline') throw error;
    if (isOutage(error)) throw error;
    const failure = failureOf(error, interruption);
    if (lastAttempt || !failure.retryable) await failModel(parts, accountId, subjectId, failure);
    else await parts.platform.connection.transaction(async () => parts.journal.record(accountId, subjectId, 'STATUS', { status: 'FAILED', stage: 'queued', etaSeconds: null, failure: { ...failure, refunded: false } }));
    if (failure.retryable) throw error;
  }
}

/** For a job that failed for good and may not have said so, as after its process was killed again and again. */
export async function abandonModel(parts: Parts, { accountId, subjectId }: ModelJob): Promise<void> {
  await failModel(parts, accountId, subjectId, failureOf(null, null));
}

const messages = { TIMEOUT: 'Making the headshots took too long.', UNAVAILABLE: 'The headshots cannot be made at the moment.', INTERNAL: 'Something went wrong on our side.' };

function failureOf(error: unknown, interruption: InterruptionKind | null): Omit<Failing, 'refunded'> {
  if (error instanceof EngineRefusal) return { code: error.code, message: error.message, retryable: false };
  const code = interruption === 'deadline' ? 'TIMEOUT' : error instanceof EngineFault ? error.code : 'INTERNAL';
  return { code, message: messages[code], retryable: true };
}

/** Null: it has ended, or its selfies are not complete. */
async function begin({ platform, store, journal }: Parts, accountId: AccountId, id: ModelId): Promise<ModelRow | null> {
  return platform.connection.transaction(async () => {
    const row = await store.lockModel(accountId, id);
    if (!row || row.endedAt !== null || row.status === 'ONBOARDING') return null;
    if (row.status === 'PENDING' || row.status === 'GENERATING_HEADSHOTS') return row;
    return journal.record(accountId, id, 'STATUS', { status: 'PENDING', stage: 'validate', percent: percentOf([0]), failure: null });
  });
}

async function produce(parts: Parts, pace: Pace, model: ModelRow, signal: AbortSignal): Promise<void> {
  const { platform: { connection, env }, store, journal } = parts;
  const { accountId, id } = model;
  const series = seriesOf(model.isDevelopment);
  const shots = planShots(await store.listSelfies(accountId, id), series.count);
  if (shots.length === 0) throw new EngineRefusal('UNSUPPORTED_IMAGE', 'None of the photos can be used for headshots.');
  // One selfie with room for one framing holds fewer.
  const count = Math.min(series.count, shots.length);
  const present = new Set(await store.listPositions(accountId, id));
  const generating = model.status === 'PENDING' ? await connection.transaction(async () => journal.record(accountId, id, 'STATUS', { status: 'GENERATING_HEADSHOTS', stage: 'detect' })) : model;
  if (!generating) return;
  const gone = new AbortController();
  const fractions = Array.from({ length: count }, (_, slot) => (slot < present.size ? 1 : 0));
  const reporter = createReporter(generating, fractions, { ...pace, atOnce: env.renderWorkers }, async (advance) => {
    if (!(await connection.transaction(async () => journal.record(accountId, id, 'PROGRESS', advance)))) gone.abort();
  });
  const session: Session = { parts, pace, model, count, mostHeight: series.mostHeight, reporter, signal: AbortSignal.any([signal, gone.signal]), onGone: () => gone.abort() };
  await shootSeries(session, shots.filter(({ position }) => !present.has(position)), count - present.size).catch((error: unknown) => {
    if (!gone.signal.aborted) throw error;
  });
  await reporter.settle();
  if (!gone.signal.aborted) await finishModel(parts, accountId, id);
}

type Session = { parts: Parts; pace: Pace; model: ModelRow; /** Pictures in all. */ count: number; mostHeight: number; reporter: ReturnType<typeof createReporter>; signal: AbortSignal; /** The model has ended meanwhile. */ onGone: () => void };

/** Makes as many as are missing. For a picture that the selfie does not hold after all the next one in the plan stands in; without a single one it throws why. */
async function shootSeries(session: Session, plan: readonly Shot[], missing: number): Promise<void> {
  const { parts: { platform: { env, log } }, model, count, signal } = session;
  let refusal: EngineRefusal | null = null;
  let [next, left] = [0, missing];
  while (left > 0 && next < plan.length) {
    const from = count - left;
    const batch = plan.slice(next, next + left).map((shot, index) => ({ shot, slot: from + index }));
    next += batch.length;
    let refused = 0;
    await makeAll(batch, env.renderWorkers, signal, async ({ shot, slot }, stopped) => shoot(session, shot, slot, stopped).catch((error: unknown) => {
      if (!(error instanceof EngineRefusal)) throw error;
      log.warn({ err: error, model: model.id, selfie: shot.selfie.id, framing: shot.framing }, 'a selfie did not hold a headshot');
      [refusal, refused] = [error, refused + 1];
    }));
    left = refused + Math.max(0, left - batch.length);
  }
  if (refusal && left === count) throw refusal;
}

async function shoot({ parts, pace, model, mostHeight, reporter, onGone }: Session, shot: Shot, slot: number, signal: AbortSignal): Promise<void> {
  const { platform: { blobs, engines } } = parts;
  const { selfie: { id, blobKey }, backdrop, framing, aspect } = shot;
  const photo = await blobs.read(blobKey);
  if (!photo) throw new Error(`the file of ${id} is gone`);
  const started = performance.now();
  const image = await engines.headshots.shoot({ photo, photoKey: blobKey.slice(0, 64), shot: { backdrop, framing, aspect }, mostHeight }, {
    signal, seed: Number.parseInt(blobKey.slice(0, 7), 16), mode: model.isDevelopment ? 'test' : 'live', onProgress: ({ stage, fraction }) => reporter.report(slot, stage, fraction),
  });
  signal.throwIfAborted();
  pace.note(performance.now() - started);
  await reporter.stored(slot, async (advance) => {
    if (!(await keep(parts, model, shot, image, advance))) onGone();
  });
}

/** Stores a headshot and tells of it. False: the model has ended, the headshot was thrown away. */
async function keep({ platform: { blobs, connection }, store, journal }: Parts, { accountId, id: modelId }: ModelRow, { position, backdrop, framing, aspect }: Shot, image: RenderedHeadshot, advance: Advance): Promise<boolean> {
  const { width, height, mime: contentType } = image;
  const [blobKey, originalBlobKey] = [await blobs.put(image.bytes, { contentType }), await blobs.put(image.original, { contentType })];
  const photo = { id: newPhotoId(), modelId, position, backdrop, framing, aspect, width, height, blobKey, originalBlobKey, ...image.madeBy };
  const outcome = await connection.transaction(async () => {
    if ((await store.lockModel(accountId, modelId))?.endedAt !== null) return 'ended';
    // Another worker that was taken for dead may have been here before.
    if (!(await store.insertPhoto(accountId, photo))) return 'there';
    await journal.record(accountId, modelId, 'IMAGE_READY', advance, photo.id);
    return 'kept';
  });
  if (outcome !== 'kept') for (const key of [blobKey, originalBlobKey]) await blobs.delete(key);
  return outcome !== 'ended';
}
