import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { AwsClient } from 'aws4fetch';
import type { ByteRange } from './blobs.ts';

/** A bucket: `url` is its address, with its name as the host's first part or as the path. */
export type S3Options = { url: string; region: string; accessKeyId: string; secretAccessKey: string };
export type S3Object = { key: string; modifiedAt: Date };
export type S3 = ReturnType<typeof openS3>;

const answerWithinMs = 30_000;
/** Of what the store itself says is worth another try: 429 and 5xx. */
const retries = 3;
const pageSize = 1_000;

/**
 * Objects in a bucket of a store that speaks S3, with signatures of version 4. It must keep conditional writes (`If-None-Match: *`), as AWS, MinIO,
 * Cloudflare R2 and Ceph do. Keys are made of letters, digits and `-_./`.
 */
export function openS3({ url, region, accessKeyId, secretAccessKey }: S3Options) {
  const client = new AwsClient({ accessKeyId, secretAccessKey, region, service: 's3', retries, initRetryMs: 100 });
  const send = (path: string, init: RequestInit = {}): Promise<Response> => client.fetch(`${url}${path}`, { signal: AbortSignal.timeout(answerWithinMs), ...init });
  const expect = async (response: Response, ...statuses: number[]): Promise<Response> => {
    if (statuses.includes(response.status)) return response;
    throw new Error(`the object store answered ${response.status} to ${response.url.slice(url.length, url.length + 200)}: ${(await response.text()).slice(0, 300)}`);
  };
  const get = async (key: string, range?: ByteRange): Promise<Response | null> => {
    const response = await expect(await send(`/${key}`, range ? { headers: { range: `bytes=${range.start}-${range.end}` } } : {}), 200, 206, 404);
    if (response.status !== 404) return response;
    await response.body?.cancel();
    return null;
  };
  return {
    /** `ifAbsent`: false when there is one already, whoever was first. */
    async put(key: string, bytes: Uint8Array, { contentType = 'application/octet-stream', ifAbsent = false } = {}): Promise<boolean> {
      const headers = { 'content-type': contentType, 'x-amz-content-sha256': createHash('sha256').update(bytes).digest('hex'), ...ifAbsent && { 'if-none-match': '*' } };
      // 409: another write of the same key was under way.
      const response = await expect(await send(`/${key}`, { method: 'PUT', body: new Uint8Array(bytes), headers }), 200, ...ifAbsent ? [409, 412] : []);
      await response.body?.cancel();
      return response.status === 200;
    },
    async read(key: string): Promise<Uint8Array | null> {
      const response = await get(key);
      return response && new Uint8Array(await response.arrayBuffer());
    },
    /** Asked for when it is read, and let go of when that ends early. */
    stream: (key: string, range?: ByteRange): Readable => Readable.from(chunksOf(async () => get(key, range)), { objectMode: false }),
    async head(key: string): Promise<{ sizeBytes: number; modifiedAt: Date } | null> {
      const { status, headers } = await expect(await send(`/${key}`, { method: 'HEAD' }), 200, 404);
      return status === 404 ? null : { sizeBytes: Number(headers.get('content-length')), modifiedAt: new Date(headers.get('last-modified') ?? 0) };
    },
    async delete(key: string): Promise<void> {
      const response = await expect(await send(`/${key}`, { method: 'DELETE' }), 200, 204, 404);
      await response.body?.cancel();
    },
    /** In pages. */
    async *list(prefix: string): AsyncGenerator<S3Object[], undefined> {
      for (let token = ''; ;) {
        const query = new URLSearchParams({ 'list-type': '2', prefix, 'max-keys': String(pageSize), ...token && { 'continuation-token': token } });
        const page = await (await expect(await send(`/?${query.toString()}`), 200)).text();
        yield [...page.matchAll(/<Contents>(.*?)<\/Contents>/gs)].map(([, entry = '']) => ({ key: valueOf(entry, 'Key'), modifiedAt: new Date(valueOf(entry, 'LastModified')) }));
        token = valueOf(page, 'NextContinuationToken');
        if (token === '') return undefined;
      }
    },
  };
}

async function* chunksOf(open: () => Promise<Response | null>): AsyncGenerator<Uint8Array, undefined> {
  const response = await open();
  if (!response?.body) throw new Error('the object is gone');
  yield* response.body;
}

function valueOf(xml: string, name: string): string {
  const text = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? '';
  return text.replace(/&(amp|lt|gt|quot|#39|#x27);/g, (_, entity: string) => ({ amp: '&', lt: '<', gt: '>', quot: '"' })[entity] ?? "'");
}
