import type { Logger } from 'pino';
import { type EngineContext, type HeadshotEngine, type HeadshotRequest, type ImageIssue, type RenderedHeadshot } from '../vision/engine.ts';
import { encodeHeadshot } from '../vision/headshot/encode.ts';
import { unavailable } from './call.ts';
import type { EngineConfig } from './config.ts';
import { drawOrFallBack } from './fallback.ts';
import { pictureFrom, type PictureSize } from './picture.ts';
import type { RemoteEngine } from './remote.ts';
import { headshotValues } from './template.ts';

type Parts = { remote: RemoteEngine; config: EngineConfig; own: HeadshotEngine; log: Logger };

/** What is never delivered, whoever made it. */
const unfit = new Set<ImageIssue>(['NO_FACE', 'MULTIPLE_FACES', 'HEAD_CUT_OFF']);

/** Headshots of an engine on another machine; the embedded one looks at each, and makes what that one does not. */
export const remoteHeadshots = (parts: Parts): Pick<HeadshotEngine, 'shoot'> => ({
  shoot: async (request, context) => drawOrFallBack(parts, context, { remote: async (limited) => draw(parts, request, limited), own: async (unlimited) => parts.own.shoot(request, unlimited) }),
});

async function draw({ remote, own }: Parts, request: HeadshotRequest, context: EngineContext): Promise<RenderedHeadshot> {
  const size = sizeOfShot(request);
  const bytes = await remote.draw({ photo: request.photo, values: (image) => headshotValues(request, image, context.seed, size) }, context);
  const picture = await pictureFrom(bytes, size);
  const made = await encodeHeadshot(picture, 'live');
  const wrong = (await own.assess(made.original, { signal: context.signal })).issues.find((issue) => unfit.has(issue));
  if (wrong) throw unavailable(`the engine's headshot has ${wrong}`);
  return context.mode === 'live' ? made : encodeHeadshot(picture, context.mode);
}

/** As large as our own are at most. */
function sizeOfShot({ shot: { aspect }, mostHeight = Infinity }: HeadshotRequest): PictureSize {
  const height = Math.min(mostHeight, aspect === '1:1' ? 1024 : 1280);
  return { width: aspect === '1:1' ? height : Math.round(height * 0.8), height };
}
