import type { IncomingHttpHeaders } from 'node:http';
import { isData, type Data } from './data.ts';

/** One operation as a client asks for it. */
export type Asked = {
  /** Null: it stands for a text that the server is to know. */
  query: string | null;
  /** What it stands for, without the name of the hash. */
  documentId: string | null;
  operationName: string | null;
  variables: Data | null;
  extensions: Data | null;
};

/** The fields of a request in any door. Null for what is malformed, and for what names no text at all. */
export function readAsked(given: unknown): Asked | null {
  if (!isData(given)) return null;
  const { operationName = null, variables = null, extensions = null } = given;
  if (operationName !== null && typeof operationName !== 'string') return null;
  if (variables !== null && !isData(variables) || extensions !== null && !isData(extensions)) return null;
  const query = given['query'] ?? null;
  const documentId = given['documentId'] ?? hashOf(extensions);
  if (query !== null && typeof query !== 'string' || documentId !== null && typeof documentId !== 'string') return null;
  return query === null && documentId === null ? null : { query, documentId: documentId?.replace(/^sha256:/, '') ?? null, operationName, variables, extensions };
}

/** Where clients of automatic persisted queries name a text. */
function hashOf(extensions: Data | null): unknown {
  const persisted = extensions?.['persistedQuery'];
  return isData(persisted) && persisted['version'] === 1 ? persisted['sha256Hash'] ?? null : null;
}

/** The parameters of a GET, `variables` and `extensions` as JSON. Null when one is no JSON or there twice. */
export function readSearch(search: string): Data | null {
  const given: Data = {};
  for (const [name, value] of new URLSearchParams(search)) {
    if (Object.hasOwn(given, name)) return null;
    given[name] = value;
  }
  try {
    for (const name of ['variables', 'extensions']) if (typeof given[name] === 'string') given[name] = JSON.parse(given[name]);
  } catch {
    return null;
  }
  return given;
}

/** The type of an answer to a plain request, as the whole pipeline would give it. */
export const plainContentType = 'application/json; charset=utf-8';

/** Whether a POST's headers ask for nothing but JSON for JSON. */
export function isPlain({ accept, 'content-type': type }: IncomingHttpHeaders): boolean {
  return (type === 'application/json' || type === 'application/json; charset=utf-8')
    && (accept === undefined || accept === '*/*' || accept === 'application/json' || accept === 'application/json, */*');
}

/** Whether a body has a type that no page of another site can send without being asked for leave. */
export function isJson({ 'content-type': type = '' }: IncomingHttpHeaders): boolean {
  return /^application\/json\s*(;|$)/i.test(type);
}
