import { EngineRefusal } from '../engine.ts';
import type { EngineStage, HeadshotRequest, RenderedHeadshot } from '../engine.ts';
import { compose } from './compose.ts';
import { encodeHeadshot } from './encode.ts';
import { frameOf, outlineOf } from './framing.ts';
import { balanceOf } from './light.ts';
import type { Balance } from './light.ts';
import { findSubject } from './subject.ts';
import type { Subject } from './subject.ts';

type Order = { request: HeadshotRequest; seed: number; mode: 'live' | 'test' };
type Tell = (progress: { stage: EngineStage; fraction: number }) => void;
type Kept = { key: string; subject: Subject; balance: Balance };

/** Makes headshots one after the other and keeps what it found in the last selfie: up to 80 MB. */
export function createPhotographer(): (order: Order, tell: Tell) => Promise<RenderedHeadshot> {
  let kept: Kept | null = null;
  const prepare = async ({ photo, photoKey }: HeadshotRequest, tell: Tell): Promise<Kept> => {
    if (kept?.key === photoKey) return kept;
    // Given up first: two at once would need twice the memory.
    kept = null;
    const subject = await findSubject(photo, (fraction) => tell({ stage: fraction < 0.4 ? 'detect' : 'segment', fraction }));
    return (kept = { key: photoKey, subject, balance: balanceOf(subject) });
  };
  return async ({ request, seed, mode }, tell) => {
    const { subject, balance } = await prepare(request, tell);
    const { framing, aspect, backdrop } = request.shot;
    const frame = frameOf(outlineOf(subject.alpha, subject.small.width, subject.small.height, subject.frame), framing, aspect);
    if (!frame) throw new EngineRefusal('UNSUPPORTED_IMAGE', 'The photo does not hold this picture');
    tell({ stage: 'render', fraction: 0.1 });
    const picture = await compose(subject, balance, { backdrop, frame, aspect }, seed, request.mostHeight);
    tell({ stage: 'render', fraction: 1 });
    const made = await encodeHeadshot(picture, mode);
    tell({ stage: 'encode', fraction: 1 });
    return made;
  };
}
