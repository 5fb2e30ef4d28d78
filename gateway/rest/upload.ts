import type { FastifyRequest } from 'fastify';
import { Failure } from '../../schema/failures.ts';
import { type BlobStore, uploadLimitBytes } from '../../subgraphs/blobs.ts';
import { newUploadId } from '../../subgraphs/ids.ts';
import type { Caller } from '../../subgraphs/subgraph.ts';
import { HttpRefusal } from './answer.ts';

const tooLarge = (): HttpRefusal => new HttpRefusal(413, 'The image is over 5 MB');

/** Keeps the multipart field `file` where createImage finds it. Nothing is kept of a file that is too large. */
export async function readUpload(request: FastifyRequest, { accountId }: Caller, blobs: BlobStore): Promise<{ uploadId: string; name: string | null }> {
  if (!request.isMultipart()) throw new HttpRefusal(415, 'Content-Type must be multipart/form-data');
  const part = await request.file({ limits: { files: 1, fileSize: uploadLimitBytes, fields: 20, parts: 21 } }).catch(malformed);
  if (!part || part.fieldname !== 'file') throw new Failure('VALIDATION', 'No file part');
  if (!part.filename) throw new Failure('VALIDATION', 'No selected file');
  // The parser cuts a file that is too large and says so after the last byte.
  const bytes = await part.toBuffer().catch((error: unknown) => Promise.reject(isLimit(error) ? tooLarge() : error));
  if (part.file.truncated) throw tooLarge();
  if (bytes.length === 0) throw new Failure('VALIDATION', 'The file is empty');
  const uploadId = newUploadId();
  await blobs.putStaged(accountId, uploadId, chunksOf(bytes), uploadLimitBytes);
  return { uploadId, name: part.filename };
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

const isLimit = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'FST_REQ_FILE_TOO_LARGE';

function malformed(error: unknown): never {
  if (error instanceof Error) throw new Failure('VALIDATION', 'The multipart body is malformed');
  throw error;
}
