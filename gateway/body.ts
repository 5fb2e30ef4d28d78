import type { IncomingMessage } from 'node:http';

/** A body that is not read, with the status that says why. */
export class BodyRefused {
  readonly status: 400 | 413;
  readonly message: string;

  constructor(status: 400 | 413, message: string) {
    this.status = status;
    this.message = message;
  }
}

const deepest = 64;

/** The JSON of a request; undefined for an empty body. What is no JSON stays text, for whoever answers to say so. */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxBytes) chunks.push(chunk);
      else if (bytes - chunk.length <= maxBytes) resolve(new BodyRefused(413, `The request body is over ${maxBytes} bytes.`));
    });
    request.once('end', () => resolve(parsed(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks))));
    request.once('error', reject);
  });
}

function parsed(bytes: Buffer): unknown {
  const text = bytes.toString('utf8');
  if (text.trim() === '') return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isTooDeep(value, deepest) ? new BodyRefused(400, 'The JSON is nested too deep.') : value;
  } catch {
    return text;
  }
}

/** JSON.parse takes any depth, but what walks its result afterwards does not. */
function isTooDeep(value: unknown, left: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (left === 0) return true;
  for (const inner of Object.values(value)) if (isTooDeep(inner, left - 1)) return true;
  return false;
}
