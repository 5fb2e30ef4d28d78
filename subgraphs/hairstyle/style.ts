import { randomInt } from 'node:crypto';
import { Failure } from '../../schema/failures.ts';
import type { ImportStyleInput } from '../../schema/types/hairstyle.ts';
import type { BlobKey } from '../blobs.ts';
import { type AccountId, type ClientId, type ImageId, parseClientId, parseImageId } from '../ids.ts';
import { examineImage, ISSUE_SENTENCES } from '../images.ts';
import type { Platform } from '../platform.ts';
import type { Keyed } from '../requests.ts';
import { EngineFault, type HairPiece, type ImageIssue } from '../vision/engine.ts';
import type { LiftedHair } from '../vision/index.ts';
import type { Catalogue } from './catalogue.ts';
import type { Images } from './image.ts';
import { checkStyleWords, mostImportedStyles } from './rules.ts';
import type { Store } from './store.ts';
import type { StyleRow } from './style-store.ts';

type Parts = { platform: Platform; store: Store; catalogue: Catalogue; images: Images };
type Imported = { hairstyle: StyleRow; replayed: boolean };
type Lifted = Extract<LiftedHair, { piece: HairPiece }>;

/** A style that a generation asks for was deleted before its picture was made. */
export class StyleGone extends Error {}

export type Styles = ReturnType<typeof createStyles>;

/** The styles that accounts imported: the hair of a portrait, taken out, kept, drawn on others, deleted. */
export function createStyles(parts: Parts) {
  const { platform, store } = parts;
  return {
    /** Refuses with VALIDATION, NOT_FOUND, IMAGE_REJECTED, LIMIT_REACHED, IDEMPOTENCY_CONFLICT or UNAVAILABLE; nothing is kept then. */
    import: async (accountId: AccountId, input: ImportStyleInput, keyed: Keyed | null, signal?: AbortSignal): Promise<Imported> => importStyle(parts, accountId, { input, keyed, signal }),
    /** Refuses with NOT_FOUND what is not the account's, or was deleted before. */
    async delete(accountId: AccountId, id: string): Promise<StyleRow> {
      return platform.connection.transaction(async () => {
        // PostgreSQL has no text with a zero byte: nobody's id.
        const deleted = id.includes('\0') ? null : await store.deleteStyle(accountId, id);
        if (!deleted) throw new Failure('NOT_FOUND', 'Hairstyle not found', { path: ['id'] });
        platform.connection.afterCommit(() => {
          Promise.all(deleted.files.map(async (key) => platform.blobs.delete(key))).catch((error: unknown) => platform.log.warn({ err: error }, 'the files of a deleted style were not deleted'));
        });
        return deleted.row;
      });
    },
    /** Those of the ids that the account can use now. */
    usable: async (accountId: AccountId, ids: readonly string[]): Promise<ReadonlySet<string>> =>
      new Set((await findOwn(parts, accountId, ids)).filter(({ deletedAt }) => deletedAt === null).map(({ id }) => id)),
    /** What to draw it from. Throws StyleGone. */
    async open(accountId: AccountId, id: string): Promise<HairPiece> {
      const [row] = await store.findStyles(accountId, [id]);
      const key = row?.deletedAt === null ? await store.findStyleFile(accountId, id, 'hair') : null;
      const picture = key && (await platform.blobs.read(key));
      if (!picture || !row?.about) throw new StyleGone(id);
      return { picture, about: row.about };
    },
  };
}

/** Ids of the catalogue are not looked for. */
async function findOwn({ store, catalogue }: Parts, accountId: AccountId, ids: readonly string[]): Promise<StyleRow[]> {
  const others = [...new Set(ids)].filter((id) => /^\d{6}$/.test(id) && catalogue.findStyle(id) === null);
  return others.length === 0 ? [] : store.findStyles(accountId, others);
}

type Order = { input: ImportStyleInput; keyed: Keyed | null; signal: AbortSignal | undefined };

async function importStyle(parts: Parts, accountId: AccountId, { input, keyed, signal }: Order): Promise<Imported> {
  const words = checkStyleWords(input);
  // Before all else: a repeated request is answered even when its upload was used.
  const replay = async (id: string): Promise<Imported | null> => findImported(parts, accountId, id);
  const earlier = await parts.platform.requests.findEarlier(accountId, keyed, replay);
  if (earlier) return earlier;
  const clientId = await checkClient(parts, accountId, input.clientId);
  return parts.images.withBytes(accountId, { input, keyed, replay, signal }, async (bytes, path) => {
    const lifted = await lift(parts, bytes, path, signal);
    signal?.throwIfAborted();
    return keep(parts, accountId, { ...words, clientId, sourceId: parseImageId(input.imageId ?? ''), keyed }, lifted);
  });
}

async function checkClient({ platform }: Parts, accountId: AccountId, given: string | null | undefined): Promise<ClientId | null> {
  if (given === null || given === undefined) return null;
  const id = parseClientId(given);
  if (!id || !(await platform.clients.findClient(accountId, id))) throw new Failure('NOT_FOUND', 'No such client', { path: ['input', 'clientId'] });
  return id;
}

/** The style that an earlier request with the same key made. Null: it was deleted since. */
async function findImported({ store }: Parts, accountId: AccountId, id: string): Promise<Imported | null> {
  const [hairstyle] = await store.findStyles(accountId, [id]);
  return hairstyle?.deletedAt === null ? { hairstyle, replayed: true } : null;
}

async function lift({ platform }: Parts, bytes: Uint8Array, path: readonly string[], signal: AbortSignal | undefined): Promise<Lifted> {
  const until = signal ? { signal } : {};
  const refuse = (issues: readonly ImageIssue[], message: string): never => {
    throw new Failure('IMAGE_REJECTED', message, { path, issues });
  };
  try {
    const examined = await examineImage(platform.vision, bytes, until);
    if (!examined.accepted) return refuse(examined.issues, examined.message);
    const lifted = await platform.vision.liftHair(examined.jpeg, until);
    return 'piece' in lifted ? lifted : refuse(lifted.issues, ISSUE_SENTENCES[lifted.issues[0]]);
  } catch (error) {
    if (!(error instanceof EngineFault)) throw error;
    platform.log.warn({ err: error }, 'a portrait was not looked at');
    throw new Failure('UNAVAILABLE', 'The image could not be looked at in time. Please try again.');
  }
}

type About = { description: string | null; sex: StyleRow['sex']; tags: readonly string[]; clientId: ClientId | null; sourceId: ImageId | null };

/** Files first; they are deleted again unless the rows that name them were written. */
async function keep(parts: Parts, accountId: AccountId, { keyed, ...about }: About & { keyed: Keyed | null }, { piece, preview }: Lifted): Promise<Imported> {
  const { blobs, requests } = parts.platform;
  const files = { hair: await blobs.put(piece.picture, { contentType: 'image/webp' }), preview: await blobs.put(preview, { contentType: 'image/webp' }) };
  let isKept = false;
  try {
    const imported = await withNewId(parts.catalogue, async (id) => requests.once(accountId, keyed, id, {
      work: async () => insert(parts, accountId, { ...about, id }, piece, files), replay: async (earlier) => findImported(parts, accountId, earlier),
    }));
    isKept = !imported.replayed;
    return imported;
  } finally {
    if (!isKept) await Promise.all(Object.values(files).map(async (key) => blobs.delete(key)));
  }
}

class IdTaken extends Error {}

/** Tries six digits until they are nobody's. */
async function withNewId<Made>(catalogue: Catalogue, work: (id: string) => Promise<Made>): Promise<Made> {
  for (;;) {
    const id = String(randomInt(100_000, 1_000_000));
    if (catalogue.findStyle(id)) continue;
    try {
      return await work(id);
    } catch (error) {
      if (!(error instanceof IdTaken)) throw error;
    }
  }
}

async function insert({ platform, store }: Parts, accountId: AccountId, { description, clientId, ...about }: About & { id: string }, piece: HairPiece, files: { hair: BlobKey; preview: BlobKey }): Promise<Imported> {
  await store.lockStyles(accountId);
  if ((await store.countStyles(accountId)) >= mostImportedStyles) throw new Failure('LIMIT_REACHED', `An account can have ${mostImportedStyles} imported styles. Delete one first.`);
  // Whoever erases the client waits for this transaction, or this one finds nobody.
  if (clientId !== null && !(await platform.clients.holdClient(accountId, clientId))) throw new Failure('NOT_FOUND', 'No such client', { path: ['input', 'clientId'] });
  const row = await store.insertStyle(accountId, { ...about, clientId, description: description ?? `Imported - ${about.id}`, about: piece.about }, files);
  if (!row) throw new IdTaken();
  return { hairstyle: row, replayed: false };
}
