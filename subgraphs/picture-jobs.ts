import type { EngineStage } from './vision/engine.ts';

/** What jobs that make several pictures of a person have in common: how they say how far they are, and how many pictures they make at once. */

/** How far one picture is, 0 to 1, by the share of time that its stages take. */
export function pictureFraction(stage: EngineStage, fraction: number): number {
  const [from, to] = stageShares[stage];
  return from + (to - from) * Math.min(1, Math.max(0, fraction));
}

const stageShares: Record<EngineStage, readonly [number, number]> = {
  decode: [0, 0.03], detect: [0.03, 0.1], segment: [0.1, 0.35], render: [0.35, 0.95], remote: [0.03, 0.95], encode: [0.95, 1],
};

/** Percent of a job whose pictures are as far as `fractions`: 2 once it is running, at most 98 before the end. */
export function percentOf(fractions: readonly number[]): number {
  const mean = fractions.reduce((sum, fraction) => sum + fraction, 0) / Math.max(1, fractions.length);
  return 2 + Math.floor(96 * Math.min(1, mean));
}

/** What a job says it does while one of its pictures is at `stage` and `done` of `total` are ready. */
export function stageOf(stage: EngineStage, done: number, total: number): string {
  if (done > 0 || stage === 'render' || stage === 'remote' || stage === 'encode') return `render ${Math.min(done + 1, total)} of ${total}`;
  return stage === 'decode' ? 'validate' : stage;
}

/** The order of stages; an attempt never goes back in it. */
export function stageRank(stage: string): number {
  const rendering = /^render (\d+) of /.exec(stage);
  if (rendering) return 10 + Number(rendering[1]);
  const rank = ['queued', 'validate', 'detect', 'segment'].indexOf(stage);
  return rank >= 0 ? rank : stage === 'store' ? 98 : 99;
}

/** Seconds for what is left, or null as long as nobody knows how long a picture takes. */
export function etaSeconds(secondsPerPicture: number | null, fractions: readonly number[], atOnce: number): number | null {
  if (secondsPerPicture === null) return null;
  const left = fractions.reduce((sum, fraction) => sum + 1 - fraction, 0);
  return Math.max(1, Math.ceil((left * secondsPerPicture) / Math.max(1, Math.min(atOnce, Math.ceil(left)))));
}

const betweenReportsMs = 250;

export type Advancing = { stage: string; percent: number; etaSeconds: number | null };

/**
 * Turns the reports of pictures that are made at once into progress of their job: at most one write in 250 ms, only when
 * something moved forward. What is left out is in the next write. Writes are made one after another, in the order of their numbers.
 */
export function createReporter(from: { stage: string; percent: number }, fractions: number[], pace: { secondsPerPicture(): number | null; atOnce: number }, write: (advance: Advancing) => Promise<void>) {
  let shown = from;
  let writtenAt = 0;
  let turn: Promise<void> = Promise.resolve();
  let waiting = 0;
  const done = (): number => fractions.filter((fraction) => fraction >= 1).length;
  const advance = (stage: string): Advancing => {
    shown = { stage: stageRank(stage) < stageRank(shown.stage) ? shown.stage : stage, percent: Math.max(shown.percent, percentOf(fractions)) };
    return { ...shown, etaSeconds: etaSeconds(pace.secondsPerPicture(), fractions, pace.atOnce) };
  };
  const inTurn = async (work: () => Promise<void>): Promise<void> => {
    waiting += 1;
    turn = turn.then(work).finally(() => (waiting -= 1));
    return turn;
  };
  return {
    /** Progress within one picture. */
    report(position: number, stage: EngineStage, fraction: number): void {
      // 1 is for stored pictures only.
      fractions[position] = Math.max(fractions[position] ?? 0, Math.min(0.99, pictureFraction(stage, fraction)));
      if (waiting > 0 || Date.now() - writtenAt < betweenReportsMs) return;
      const before = shown;
      const next = advance(stageOf(stage, done(), fractions.length));
      if (next.percent === before.percent && next.stage === before.stage) return;
      writtenAt = Date.now();
      // A failed write fails everything after it, and with that the run.
      inTurn(async () => write(next)).catch(() => {});
    },
    /** Stores a picture: `store` is given what to write with it. */
    async stored(position: number, store: (advance: Advancing) => Promise<void>): Promise<void> {
      await inTurn(async () => {
        fractions[position] = 1;
        await store(advance(done() === fractions.length ? 'store' : stageOf('render', done(), fractions.length)));
      });
    },
    /** Waits for the last write; throws what one threw. */
    settle: async (): Promise<void> => turn,
  };
}

export type Pace = ReturnType<typeof createPace>;

/** How long a picture takes here of late. */
export function createPace() {
  let seconds: number | null = null;
  return {
    /** Null until the first picture. */
    secondsPerPicture: (): number | null => seconds,
    note(tookMs: number): void {
      seconds = seconds === null ? tookMs / 1000 : seconds * 0.7 + (tookMs / 1000) * 0.3;
    },
  };
}

/** Makes everything that is in the list, `atOnce` at a time and in its order. The first thing that fails stops the others and is thrown once they have ended. */
export async function makeAll<Item>(items: readonly Item[], atOnce: number, signal: AbortSignal, make: (item: Item, signal: AbortSignal) => Promise<void>): Promise<void> {
  const failed = new AbortController();
  const stopped = AbortSignal.any([signal, failed.signal]);
  const waiting = [...items];
  const makeRest = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      stopped.throwIfAborted();
      await make(next, stopped);
    }
  };
  const lines = Array.from({ length: Math.min(atOnce, waiting.length) }, async () => makeRest().catch((error: unknown) => failed.abort(error)));
  await Promise.all(lines);
  signal.throwIfAborted();
  failed.signal.throwIfAborted();
}
