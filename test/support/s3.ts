import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { S3Options } from '../../subgraphs/s3.ts';

type Scope = { after(work: () => Promise<void>): void };
type Stored = { bytes: Buffer; modifiedAt: Date; contentType: string };

/** A bucket of a store that speaks S3, on loopback: it checks every signature (version 4) by its own reckoning. */
export type Bucket = S3Options & {
  objects: Map<string, Stored>;
  /** Status and request line of everything that it refused for its signature. */
  forged: string[];
  /** How many of the next requests are answered 503. */
  failNext(count: number): void;
};

const region = 'eu-test-1';
const pageSize = 3;

export async function startBucket(scope: Scope): Promise<Bucket> {
  const [accessKeyId, secretAccessKey] = [`AK${randomBytes(6).toString('hex')}`, randomBytes(20).toString('base64')];
  const objects: Bucket['objects'] = new Map();
  const forged: string[] = [];
  let failing = 0;
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<unknown> => {
    const body = await buffer(request);
    const url = new URL(request.url ?? '/', `http://${request.headers.host}`);
    const fault = signatureFault(request, url, body, accessKeyId, secretAccessKey);
    if (fault !== null) {
      forged.push(`${fault}: ${request.method} ${request.url}`);
      return refuse(response, 403, fault);
    }
    if (failing > 0) {
      failing -= 1;
      return refuse(response, 503, 'SlowDown');
    }
    if (!url.pathname.startsWith('/bucket')) return refuse(response, 404, 'NoSuchBucket');
    const key = decodeURIComponent(url.pathname.slice('/bucket/'.length));
    return key === '' ? list(response, objects, url.searchParams) : operate(request, response, objects, key, body);
  };
  const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.after(async () => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/bucket`, region, accessKeyId, secretAccessKey, objects, forged, failNext: (count) => (failing = count) };
}

function operate(request: IncomingMessage, response: ServerResponse, objects: Bucket['objects'], key: string, body: Buffer): unknown {
  if (request.method === 'PUT') {
    if (request.headers['if-none-match'] === '*' && objects.has(key)) return refuse(response, 412, 'PreconditionFailed');
    objects.set(key, { bytes: body, modifiedAt: new Date(), contentType: request.headers['content-type'] ?? '' });
    return response.writeHead(200).end();
  }
  if (request.method === 'DELETE') {
    objects.delete(key);
    return response.writeHead(204).end();
  }
  const found = objects.get(key);
  if (!found) return refuse(response, 404, 'NoSuchKey');
  const { bytes, modifiedAt, contentType } = found;
  const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  const part = start === undefined ? bytes : bytes.subarray(Number(start), Number(end) + 1);
  response.writeHead(start === undefined ? 200 : 206, { 'content-type': contentType, 'content-length': part.length, 'last-modified': modifiedAt.toUTCString() });
  return request.method === 'HEAD' ? response.end() : response.end(part);
}

function list(response: ServerResponse, objects: Bucket['objects'], query: URLSearchParams): unknown {
  const after = query.get('continuation-token') ?? '';
  const keys = [...objects.keys()].filter((key) => key.startsWith(query.get('prefix') ?? '') && key > after).sort();
  const page = keys.slice(0, Math.min(pageSize, Number(query.get('max-keys'))));
  const next = keys.length > page.length ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : '';
  const entries = page.map((key) => `<Contents><Key>${key}</Key><LastModified>${objects.get(key)?.modifiedAt.toISOString()}</LastModified></Contents>`);
  return response.writeHead(200, { 'content-type': 'application/xml' }).end(`<?xml version="1.0"?><ListBucketResult>${entries.join('')}${next}</ListBucketResult>`);
}

function refuse(response: ServerResponse, status: number, code: string): unknown {
  return response.writeHead(status, { 'content-type': 'application/xml' }).end(`<Error><Code>${code}</Code></Error>`);
}

/** Signature version 4 of the Authorization header, as the documentation of S3 describes it. Null: it is right. */
function signatureFault(request: IncomingMessage, url: URL, body: Buffer, accessKeyId: string, secret: string): string | null {
  const match = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(request.headers.authorization ?? '');
  if (!match) return 'AccessDenied';
  const [, id, day = '', where = '', names = '', signature = ''] = match;
  const at = String(request.headers['x-amz-date']);
  if (id !== accessKeyId || where !== region || !at.startsWith(day)) return 'InvalidAccessKeyId';
  const seconds = Date.parse(at.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z')) / 1000;
  if (!(Math.abs(seconds - Date.now() / 1000) < 900)) return 'RequestTimeTooSkewed';
  if (!names.split(';').includes('host') || !names.split(';').includes('x-amz-content-sha256')) return 'AccessDenied';
  const stated = String(request.headers['x-amz-content-sha256']);
  if (stated !== 'UNSIGNED-PAYLOAD' && stated !== sha256(body)) return 'XAmzContentSHA256Mismatch';
  const query = [...url.searchParams].map(([name, value]) => `${encode(name)}=${encode(value)}`).sort().join('&');
  const path = url.pathname.split('/').map((part) => encode(decodeURIComponent(part))).join('/');
  const headers = names.split(';').map((name) => `${name}:${String(request.headers[name]).trim()}\n`).join('');
  const canonical = [request.method, path, query, headers, names, stated].join('\n');
  const text = ['AWS4-HMAC-SHA256', at, `${day}/${where}/s3/aws4_request`, sha256(canonical)].join('\n');
  const key = [day, where, 's3', 'aws4_request'].reduce<Buffer | string>((made, part) => createHmac('sha256', made).update(part).digest(), `AWS4${secret}`);
  const expected = createHmac('sha256', key).update(text).digest();
  return timingSafeEqual(expected, Buffer.from(signature, 'hex')) ? null : 'SignatureDoesNotMatch';
}

const sha256 = (data: Buffer | string): string => createHash('sha256').update(data).digest('hex');
const encode = (text: string): string => encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
