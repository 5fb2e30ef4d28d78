import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

/** Below, the head of the answer is most of what is sent. */
const leastBytes = 1_024;

const gzipped = promisify(gzip);
const brotlied = promisify(brotliCompress);
// On answers of this kind better qualities take twice the time for a twentieth of the bytes.
const brotliOptions = { params: { [constants.BROTLI_PARAM_QUALITY]: 4, [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT } };

export type Coding = 'br' | 'gzip';

/** The bytes in a coding that the client accepts, made on another thread. Null where that is not worth it. */
export async function compress(body: string | Buffer, acceptEncoding: string | undefined): Promise<{ coding: Coding; bytes: Buffer } | null> {
  if (body.length < leastBytes) return null;
  const coding = codingOf(acceptEncoding);
  if (coding === null) return null;
  return { coding, bytes: await (coding === 'br' ? brotlied(body, brotliOptions) : gzipped(body, { level: 6 })) };
}

/** What the client likes best, the smaller one of equals. */
function codingOf(header: string | undefined): Coding | null {
  if (header === undefined) return null;
  const weights = new Map(header.split(',').map((part) => {
    const [name = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
    return [name, weight === undefined ? 1 : Number(weight)] as const;
  }));
  const weightOf = (name: string): number => weights.get(name) ?? weights.get('*') ?? 0;
  const [br, gz] = [weightOf('br'), weightOf('gzip')];
  return br > 0 && br >= gz ? 'br' : gz > 0 ? 'gzip' : null;
}
