import type { IncomingHttpHeaders } from 'node:http';
import { isData } from './data.ts';

/** An operation as most clients send it. */
export type PlainOperation = { source: string; operationName: string | null; variables: Record<string, unknown> | null };

/** The type of an answer to a plain operation, as the whole pipeline would give it. */
export const plainContentType = 'application/json; charset=utf-8';

/** Whether a POST's headers ask for nothing but JSON for JSON. */
export function isPlain(headers: IncomingHttpHeaders): boolean {
  const { accept, 'content-type': type } = headers;
  return (type === 'application/json' || type === 'application/json; charset=utf-8')
    && (accept === undefined || accept === '*/*' || accept === 'application/json' || accept === 'application/json, */*');
}

/** Null for what needs the whole pipeline: persisted queries, batches, and all that is malformed. */
export function readPlainOperation(body: unknown): PlainOperation | null {
  if (!isData(body)) return null;
  const { query, operationName = null, variables = null, extensions } = body;
  if (typeof query !== 'string' || query === '' || extensions !== undefined && extensions !== null) return null;
  if (operationName !== null && typeof operationName !== 'string' || variables !== null && !isData(variables)) return null;
  return { source: query, operationName, variables };
}
