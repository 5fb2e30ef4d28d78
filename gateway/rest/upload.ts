import { createHash } from 'node:crypto';
import type { MultipartFile } from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import { Failure } from '../../schema/failures.ts';
import { type BlobStore, uploadLimitBytes } from '../../subgraphs/blobs.ts';
import { newUploadId } from '../../subgraphs/ids.ts';
import type { Caller } from '../../subgraphs/subgraph.ts';
import { HttpRefusal } from './answer.ts';

const tooLarge = (): HttpRefusal => new HttpRefusal(413, 'The image is over 5 MB');
/** What stands around the file in a multipart body: boundaries, headers and a few fields. */
const aroundFileBytes = 64 * 1024;

/** Keeps the multipart field `file` where createImage finds it. A file that is too large is refused as soon as that is known, and nothing is kept of it. */
export async function readUpload(request: FastifyRequest, { accountId }: Caller, blobs: BlobStore): Promise<{ uploadId: string; name: string | null; sha256: string }> {
  checkForm(request);
  const part = await request.file({ limits }).catch(malformed);
  if (!part || part.fieldname !== 'file') throw new Failure('VALIDATION', 'No file part');
  if (!part.filename) throw new Failure('VALIDATION', 'No selected file');
  const bytes = await bytesOf(part.file);
  return { ...(await staged(bytes, accountId, blobs)), name: part.filename };
}

const limits = { files: 1, fileSize: uploadLimitBytes, fields: 20, fieldSize: 1024, parts: 21 };

function checkForm(request: FastifyRequest): void {
  if (!request.isMultipart()) throw new HttpRefusal(415, 'Content-Type must be multipart/form-data');
  if (Number(request.headers['content-length'] ?? 0) > uploadLimitBytes + aroundFileBytes) throw tooLarge();
}

async function staged(bytes: Uint8Array, accountId: Caller['accountId'], blobs: BlobStore): Promise<{ uploadId: string; sha256: string }> {
  if (bytes.length === 0) throw new Failure('VALIDATION', 'The file is empty');
  const uploadId = newUploadId();
  await blobs.putStaged(accountId, uploadId, chunksOf(bytes), uploadLimitBytes);
  return { uploadId, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** The same with the other fields of the form, wherever they stand in it. */
export async function readForm(request: FastifyRequest, { accountId }: Caller, blobs: BlobStore): Promise<{ uploadId: string; name: string | null; sha256: string; fields: Record<string, string> }> {
  checkForm(request);
  const fields: Record<string, string> = {};
  let file: { bytes: Uint8Array; name: string } | null = null;
  try {
    for await (const part of request.parts({ limits })) {
      if (part.type === 'field') fields[part.fieldname] = String(part.value);
      else if (part.fieldname === 'file' && part.filename) file = { bytes: await bytesOf(part.file), name: part.filename };
      else part.file.resume();
    }
  } catch (error) {
    if (error instanceof HttpRefusal || error instanceof Failure) throw error;
    malformed(error);
  }
  if (!file) throw new Failure('VALIDATION', 'No file part');
  return { ...(await staged(file.bytes, accountId, blobs)), name: file.name, fields };
}

/** Behind its limit the parser would go on to the end of the body and give nothing of it. */
async function bytesOf(file: MultipartFile['file']): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const limit = Promise.withResolvers<never>();
  file.once('limit', () => limit.reject(tooLarge()));
  const whole = (async () => {
    for await (const chunk of file as AsyncIterable<Uint8Array>) chunks.push(chunk);
    return Buffer.concat(chunks);
  })();
  return Promise.race([whole, limit.promise]).catch((error: unknown) => {
    throw error instanceof HttpRefusal ? error : new Failure('VALIDATION', 'The multipart body is malformed');
  }).finally(() => file.destroy());
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function malformed(error: unknown): never {
  if (error instanceof Error) throw new Failure('VALIDATION', 'The multipart body is malformed');
  throw error;
}
