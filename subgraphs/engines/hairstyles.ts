import type { Logger } from 'pino';
import type { EngineContext, HairstyleEngine, HairstyleRequest, RenderedImage } from '../vision/engine.ts';
import { encodePicture } from '../vision/generate.ts';
import type { EngineConfig } from './config.ts';
import { drawOrFallBack } from './fallback.ts';
import { pictureFrom, sizeOf } from './picture.ts';
import type { RemoteEngine } from './remote.ts';
import { hairstyleValues } from './template.ts';

type Parts = { remote: RemoteEngine; config: EngineConfig; own: HairstyleEngine; log: Logger };

/** Hairstyles of an engine on another machine; the embedded one draws what that one does not. */
export const remoteHairstyles = (parts: Parts): HairstyleEngine => ({
  info: () => ({ id: parts.config.name, version: parts.remote.version, quality: 'photoreal' }),
  generate: async (request, context) => drawOrFallBack(parts, context, { remote: async (limited) => draw(parts, request, limited), own: async (unlimited) => parts.own.generate(request, unlimited) }),
  close: async () => undefined,
});

async function draw({ remote }: Parts, request: HairstyleRequest, context: EngineContext): Promise<RenderedImage> {
  const size = await sizeOf(request.photo);
  const picture = await pictureFrom(await remote.draw({ photo: request.photo, values: (image) => hairstyleValues(request, image, context.seed, size) }, context), size);
  return { bytes: await encodePicture(picture, context.mode), mime: 'image/jpeg', width: picture.width, height: picture.height, quality: 'ok', warnings: [], timingsMs: {} };
}
