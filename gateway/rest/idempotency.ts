import { Failure } from '../../schema/failures.ts';
import type { RestRequest } from './route.ts';

/** The Idempotency-Key header, as a quoted structured-field string or bare. Null when there is none. Refuses with VALIDATION an unusable one. */
export function idempotencyKeyOf({ headers }: Pick<RestRequest, 'headers'>): string | null {
  const header = headers['idempotency-key'];
  if (header === undefined) return null;
  const text = (Array.isArray(header) ? header.join(', ') : header).trim();
  const key = /^"(?:[^"\\]|\\["\\])*"$/.test(text) ? text.slice(1, -1).replaceAll(/\\(["\\])/g, '$1') : text;
  if (!/^[\x20-\x7e]{1,255}$/.test(key)) throw new Failure('VALIDATION', 'Idempotency-Key must have 1 to 255 printable ASCII characters');
  return key;
}
