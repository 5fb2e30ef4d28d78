import assert from 'node:assert/strict';
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import sharp from 'sharp';
import type { Assessment, EngineContext, HairstyleRequest, HeadshotRequest, RefusalCode, RenderedHeadshot, RenderedImage, SkinShade } from './engine.ts';
import { EngineRefusal } from './engine.ts';
import { createGenerator } from './generate.ts';
import { assessSelfie } from './headshot/assess.ts';
import { createPhotographer } from './headshot/shoot.ts';
import { inspectPhoto } from './inspect.ts';
import type { Inspection } from './inspect.ts';
import { detectShade } from './shade.ts';
import { liftHair } from './transplant/lift.ts';
import type { LiftedHair } from './transplant/lift.ts';

/** What a thread is told to do. */
export type Order =
  | { kind: 'inspect'; bytes: Uint8Array }
  | { kind: 'shade'; bytes: Uint8Array }
  | { kind: 'lift'; bytes: Uint8Array }
  | { kind: 'assess'; bytes: Uint8Array }
  | { kind: 'headshot'; request: HeadshotRequest; seed: number; mode: EngineContext['mode'] }
  | { kind: 'generate'; request: HairstyleRequest; seed: number; mode: EngineContext['mode'] };

export type Progress = Parameters<EngineContext['onProgress']>[0];
export type Finished =
  | { kind: 'inspected'; inspection: Inspection }
  | { kind: 'shaded'; shade: SkinShade }
  | { kind: 'lifted'; hair: LiftedHair }
  | { kind: 'assessed'; assessment: Assessment }
  | { kind: 'generated'; image: RenderedImage }
  | { kind: 'shot'; image: RenderedHeadshot };

/** What a thread says: that it begins, any number of progress reports, then one of the others. */
export type Answer =
  | Finished
  | { kind: 'begun' }
  | { kind: 'progress'; progress: Progress }
  | { kind: 'refused'; code: RefusalCode; message: string }
  | { kind: 'failed'; error: unknown };

const port = parentPort;
assert(port, 'this file is the start of a thread');
const { photosKept }: { photosKept: number } = workerData;
const tell = (answer: Answer): void => port.postMessage(answer);

// Drawing yields to the thread that answers requests. Only on Linux does a priority belong to one thread and not to the whole process.
if (process.platform === 'linux') setPriority(5);
// One task has one core; more threads inside it would only compete with the others.
sharp.concurrency(1);
sharp.cache(false);

const generate = createGenerator(photosKept);
const shoot = createPhotographer();

async function carryOut(order: Order): Promise<Answer> {
  try {
    if (order.kind === 'inspect') return { kind: 'inspected', inspection: await inspectPhoto(order.bytes) };
    if (order.kind === 'shade') return { kind: 'shaded', shade: await detectShade(order.bytes) };
    if (order.kind === 'lift') return { kind: 'lifted', hair: await liftHair(order.bytes) };
    if (order.kind === 'assess') return { kind: 'assessed', assessment: await assessSelfie(order.bytes) };
    if (order.kind === 'headshot') return { kind: 'shot', image: await shoot(order, (progress) => tell({ kind: 'progress', progress })) };
    return { kind: 'generated', image: await generate(order, (progress) => tell({ kind: 'progress', progress })) };
  } catch (error) {
    if (error instanceof EngineRefusal) return { kind: 'refused', code: error.code, message: error.message };
    return { kind: 'failed', error };
  }
}

port.on('message', (order: Order) => {
  tell({ kind: 'begun' });
  void carryOut(order).then(tell);
});
