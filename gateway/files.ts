import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, extname, join } from 'node:path';
import sharp from 'sharp';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { versionOf } from '../subgraphs/assets.ts';
import type { BlobStore, FileResponse } from '../subgraphs/blobs.ts';
import { drawnPortrait } from '../subgraphs/warm-up.ts';
import { pathOf } from './rest/router.ts';

const previews = join(import.meta.dirname, '../subgraphs/hairstyle/catalogue/previews');
const types: Record<string, string> = { '.webp': 'image/webp', '.jpg': 'image/jpeg', '.png': 'image/png' };

/** Signed files and uploads of accounts, and the catalogue's own previews. */
export function serveFiles(app: FastifyInstance, blobs: BlobStore): void {
  app.get('/files/*', async (request, reply) => send(reply, await blobs.fileResponse(fileRequest(request))));
  void app.register(async (scope) => {
    // The store reads the bytes itself and stops at its own limit.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
    scope.put('/uploads/:id', async (request, reply) => send(reply, await blobs.putUpload({ ...fileRequest(request), body: request.raw })));
  });
  app.get('/catalogue/:file', async (request, reply) => {
    const { file } = request.params as { file: string };
    const path = join(previews, basename(file));
    const version = (request.query as Record<string, unknown>)['v'];
    return sendFile(reply, path, version === versionOf(path) ? 'public, max-age=31536000, immutable' : 'public, max-age=3600');
  });
}

/** One of the people in a photo of a development dependency, in pixels. */
const portrait = { file: '@vladmandic/face-api/demo/sample6.jpg', crop: { left: 70, top: 300, width: 480, height: 620 } };

/** The photo that the portrait of the demo is cut from; null where that dependency is not installed. */
export function findDemoPhoto(): string | null {
  try {
    return createRequire(import.meta.url).resolve(portrait.file);
  } catch {
    return null;
  }
}

/** One frontal face: JPEG. */
export async function cutDemoPortrait(photo: string): Promise<Uint8Array> {
  return sharp(photo).extract(portrait.crop).jpeg({ quality: 92 }).toBuffer();
}

/** A person where the development dependencies are installed, else the face of our own drawing. */
export function serveDemoPortrait(app: FastifyInstance): void {
  const photo = findDemoPhoto();
  let cut: Promise<Uint8Array> | null = null;
  app.get('/demo/portrait.jpg', async (_, reply) => {
    cut ??= photo === null ? drawnPortrait() : cutDemoPortrait(photo);
    return reply.type('image/jpeg').header('cache-control', 'public, max-age=3600').send(await cut);
  });
}

function fileRequest(request: FastifyRequest) {
  return { method: request.method, path: pathOf(request), query: request.query as Record<string, unknown>, headers: request.headers };
}

async function send(reply: FastifyReply, { status, headers, body }: FileResponse): Promise<FastifyReply> {
  return reply.code(status).headers(headers).send(body ?? undefined);
}

async function sendFile(reply: FastifyReply, path: string, cacheControl: string): Promise<FastifyReply> {
  const found = await stat(path).catch(() => null);
  if (!found?.isFile()) {
    reply.callNotFound();
    return reply;
  }
  reply.type(types[extname(path)] ?? 'application/octet-stream').header('cache-control', cacheControl).header('content-length', found.size);
  return reply.send(createReadStream(path));
}
