import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Asked } from './asked.ts';
import { isData } from './data.ts';
import { refuse, Rejected } from './errors.ts';
import type { Graph } from './graphql.ts';
import { RecentlyUsed } from './recently-used.ts';

/** The texts of operations that clients may ask for by name. */
export type Texts = {
  /** Whether nothing else is executed. */
  trustedOnly: boolean;
  /** The text of a request. Throws Rejected when nobody knows it, or it must not be executed. */
  textOf(asked: Pick<Asked, 'query' | 'documentId'>): string;
};

/** A trusted document that cannot be read, in words for an operator. */
export class TrustedFault extends Error {}

export type TextOptions = {
  /** Folder of trusted documents; null: none. */
  trustedDocuments: string | null;
  trustedOnly: boolean;
};

/** In thousands of characters. */
const rememberedKilocharacters = 4_000;
const longestRemembered = 60_000;

/** Reads the trusted documents. One that the graph refuses is told in the log: it may be about a newer or an older graph. Throws TrustedFault. */
export async function openTexts({ trustedDocuments, trustedOnly }: TextOptions, graph: Pick<Graph, 'errorsOf'>, log: Logger): Promise<Texts> {
  const trusted = trustedDocuments === null ? undefined : await readTrusted(trustedDocuments);
  for (const [id, text] of trusted ?? []) {
    const [error] = graph.errorsOf(text);
    if (error) log.error({ document: id, problem: error.message }, 'a trusted document does not fit the graph');
  }
  return createTexts(trusted, trustedOnly);
}

/** Trusted documents by id, and what clients have sent once with its hash (automatic persisted queries). */
export function createTexts(trusted: ReadonlyMap<string, string> = new Map(), trustedOnly = false): Texts {
  const remembered = new RecentlyUsed<string>(rememberedKilocharacters);
  const trustedTexts = new Set(trusted.values());
  const known = (id: string): string => {
    const text = trusted.get(id) ?? remembered.get(id);
    // Clients know this sentence: they send the text along then.
    if (text === undefined) throw new Rejected([trustedOnly ? untrusted() : refuse('PERSISTED_QUERY_NOT_FOUND', 'PersistedQueryNotFound')]);
    return text;
  };
  return {
    trustedOnly,
    textOf({ query, documentId }) {
      if (query === null) return known(documentId ?? '');
      if (trustedOnly && !trustedTexts.has(query)) throw new Rejected([untrusted()]);
      if (documentId === null || trusted.get(documentId) === query || remembered.get(documentId) === query) return query;
      if (sha256(query) !== documentId) throw new Rejected([refuse('BAD_REQUEST', 'provided sha does not match query')]);
      if (!trustedOnly && query.length <= longestRemembered) remembered.set(documentId, query, 1 + query.length / 1_000);
      return query;
    },
  };
}

const untrusted = () => refuse('UNTRUSTED_DOCUMENT', 'Only trusted documents are executed here.');
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/**
 * Reads the trusted documents of a folder: `.graphql` files, each known by the SHA-256 of its text (with and without white space around it), and `.json`
 * files, either manifests of Apollo's clients or objects of texts by id. Throws TrustedFault for a file that is neither.
 */
async function readTrusted(folder: string): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  const unreadable = (error: Error): never => {
    throw new TrustedFault(`${folder} cannot be read: ${error.message}`, { cause: error });
  };
  const files = (await readdir(folder, { recursive: true }).catch(unreadable)).filter((file) => /\.(graphql|gql|json)$/.test(file)).sort();
  for (const file of files) {
    const text = await readFile(join(folder, file), 'utf8').catch(unreadable);
    const found = file.endsWith('.json') ? manifestEntries(join(folder, file), text) : [text, text.trim()].map((one) => [sha256(one), one] as const);
    for (const [id, document] of found) texts.set(id.replace(/^sha256:/, ''), document);
  }
  return texts;
}

function manifestEntries(file: string, text: string): (readonly [string, string])[] {
  const manifest = jsonOf(file, text);
  const operations = isData(manifest) && Array.isArray(manifest['operations']) ? manifest['operations'] as unknown[] : null;
  const entries = operations ? operations.map((operation) => isData(operation) ? [operation['id'], operation['body']] : []) : isData(manifest) ? Object.entries(manifest) : [[]];
  return entries.map(([id, body]) => {
    if (typeof id !== 'string' || typeof body !== 'string') throw new TrustedFault(`${file} is neither a manifest of operations nor texts by id`);
    return [id, body] as const;
  });
}

function jsonOf(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // The engine's own words quote the file, over several lines.
    throw new TrustedFault(`${file} is not JSON`, { cause: error });
  }
}
