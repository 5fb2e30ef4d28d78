import { Failure } from '../../schema/failures.ts';
import type { GenerateHairstyleInput, Resolvers } from '../../schema/types/hairstyle.ts';
import { type BlobKey, roundedExpiry } from '../blobs.ts';
import { parseAccountId, parseClientId, parseGenerationId, parseImageId, parsePictureId } from '../ids.ts';
import { type CountedPage, pageRequest } from '../paging.ts';
import { type Keyed, keyedBy } from '../requests.ts';
import { getCaller, payload } from '../schema.ts';
import { urlsLiveForMs } from './callback.ts';
import type { Context, GenerationEventModel, HairstyleModel } from './models.ts';
import { progressOf } from './progress.ts';
import type { StyleRow } from './style-store.ts';
import type { GenerationRow, ImageRow } from './store.ts';

/** Every field of the subgraph that is not a property of its model, one line each. */
export const resolvers: Resolvers = {
  Query: {
    hairstyles: async (_, { first, after = null, ...filter }, context) => connection(context.catalogue.listStyles(filter, { first, after }, await ownStyles(context))),
    hairstyle: (_, { id }, context) => findStyle(context, id),
    hairColors: (_, filter, { catalogue }) => catalogue.listColors(filter),
    hairstyleGeneration: (_, { id }, context) => findGeneration(context, id),
    sourceImage: (_, { id }, context) => findImage(context, id),
    generationCost: (_, { mode, styleIds }, context) => context.generations.preview(getCaller(context), mode, styleIds),
  },
  Mutation: {
    createImageUpload: (_, upload, context) => payload(async () => beginUpload(context, upload)),
    createImage: (_, { input }, context, info) => payload(async () => ({ image: await context.images.create(getCaller(context).accountId, input, keyedBy(context, info, input), context.stopped()) })),
    importStyle: (_, { input }, context, info) => payload(async () => context.styles.import(getCaller(context).accountId, input, keyedBy(context, info, input), context.stopped())),
    deleteStyle: (_, { id }, context) => payload(async () => ({ hairstyle: await context.styles.delete(getCaller(context).accountId, id) })),
    generateHairstyle: (_, { input }, context, info) => payload(async () => generate(context, input, keyedBy(context, info, input))),
    cancelGeneration: (_, { id }, context) => payload(async () => changed(context, await context.generations.cancel(getCaller(context), parseGenerationId(id)))),
  },
  Subscription: {
    generationProgress: {
      subscribe: async (_, { id, afterSeq }, context) => context.journal.subscribe(getCaller(context).accountId, parseGenerationId(id), afterSeq),
      resolve: (event: GenerationEventModel) => event,
    },
    generationFeed: {
      subscribe: async (_, { after }, context) => context.journal.feed(getCaller(context).accountId, after),
      resolve: (item: { cursor: string; event: GenerationEventModel }) => item,
    },
  },
  Hairstyle: {
    __resolveReference: ({ id }, context) => findStyle(context, id),
    preview: (style, _, context) => stylePreview(context, style),
    isPrivate: (style) => !('look' in style),
    isDeleted: (style) => !('look' in style) && style.deletedAt !== null,
  },
  HairColor: {
    __resolveReference: ({ id }, { catalogue }) => catalogue.findColor(id),
    previewImages: (color, _, { catalogue }) => catalogue.colorPreviews(color),
  },
  SourceImage: {
    __resolveReference: ({ id }, context) => findImage(context, id),
    url: (image, { width }, { blobs }) => signedUrl(blobs, image.blobKey, width),
  },
  HairstyleGeneration: {
    __resolveReference: ({ id }, context) => findGeneration(context, id),
    progress: (generation) => progressOf(generation),
    source: ({ sourceId }, _, { loaders }) => getLoaded(loaders.image, sourceId),
    styles: ({ styleIds }, _, context) => Promise.all(styleIds.map((id) => getStyle(context, id))),
    hairColor: ({ colorId }, _, { catalogue }) => (colorId === null ? null : catalogue.getColor(colorId)),
    images: ({ id }, _, { loaders }) => loaders.picturesOf.load(id),
    client: ({ clientId }) => (clientId === null ? null : { id: clientId }),
  },
  GenerationImage: {
    __resolveReference: ({ id }, { loaders }) => findLoaded(loaders.picture, parsePictureId(id)),
    url: (picture, { width }, { blobs }) => signedUrl(blobs, picture.blobKey, width),
    urlExpiresAt: () => roundedExpiry(inADay()),
    style: ({ styleId }, _, context) => getStyle(context, styleId),
    hairColor: ({ colorId }, _, { catalogue }) => (colorId === null ? null : catalogue.getColor(colorId)),
    generation: ({ generationId }, _, { loaders }) => getLoaded(loaders.generation, generationId),
  },
  GenerationEvent: {
    progress: ({ body: { progress } }) => ({ ...progress, updatedAt: new Date(progress.updatedAt) }),
    image: ({ body: { imageId } }, _, { loaders }) => findLoaded(loaders.picture, imageId),
    failure: ({ body: { failure } }) => failure,
    generation: ({ body: { generationId } }, _, { loaders }) => getLoaded(loaders.generation, generationId),
  },
  Account: {
    // Only the caller's own account has anything here: another one's is as if it were not there.
    __resolveReference: ({ id }, { caller }) => (caller && parseAccountId(id) === caller.accountId ? { id: caller.accountId } : null),
    generations: ({ id }, { status = null, first, after = null }, { lists }) => lists.generations(id, { status }, { first, after }).then(connection),
    images: ({ id }, { first, after = null }, { lists }) => lists.images(id, { first, after }).then(connection),
  },
  Client: {
    __resolveReference: ({ id }) => reference(parseClientId(id)),
    generations: ({ id }, args, { loaders }) => loaders.generationsOf(id, pageRequest(args, 10)).then(connection),
  },
};

type Loader<Id, Row> = { load(id: Id): Promise<Row | null> };

const findLoaded = async <Id, Row>(loader: Loader<Id, Row>, id: Id | null): Promise<Row | null> => (id === null ? null : loader.load(id));
const findGeneration = async ({ loaders }: Context, id: string): Promise<GenerationRow | null> => findLoaded(loaders.generation, parseGenerationId(id));
const findImage = async ({ loaders }: Context, id: string): Promise<ImageRow | null> => findLoaded(loaders.image, parseImageId(id));
const isShown = (row: StyleRow | null): row is StyleRow => row !== null && row.deletedAt === null;

/** What an account imported is shown to keys that may read its photos. */
const maySeeOwn = ({ caller }: Context): boolean => caller?.scopes.has('generations:read') ?? false;
const ownStyles = async (context: Context): Promise<StyleRow[]> => (context.caller && maySeeOwn(context) ? context.lists.styles(context.caller.accountId) : []);

async function findStyle(context: Context, id: string): Promise<HairstyleModel | null> {
  const listed = context.catalogue.findStyle(id);
  if (listed || !maySeeOwn(context)) return listed;
  const own = await context.loaders.style.load(id);
  return isShown(own) ? own : null;
}

/** Of a generation of the caller's account: also one that was deleted since. */
const getStyle = async ({ catalogue, loaders }: Context, id: string): Promise<HairstyleModel> => catalogue.findStyle(id) ?? getLoaded(loaders.style, id);

async function stylePreview({ catalogue, loaders, blobs }: Context, style: HairstyleModel): Promise<string> {
  if ('look' in style) return catalogue.stylePreview(style);
  const key = await loaders.stylePreview.load(style.id);
  return key === null ? catalogue.barePreview() : signedUrl(blobs, key, null);
}

const reference = <Id>(id: Id | null): { id: Id } | null => (id === null ? null : { id });
const inADay = (): Date => new Date(Date.now() + urlsLiveForMs);

/** For what a row of the same account points to. */
async function getLoaded<Id, Row>(loader: Loader<Id, Row>, id: Id): Promise<Row> {
  const row = await loader.load(id);
  if (row === null) throw new Failure('NOT_FOUND', 'It is no longer kept');
  return row;
}

function signedUrl(blobs: Context['blobs'], key: BlobKey, width: number | null | undefined): string {
  if (typeof width === 'number' && (width < 64 || width > 2048)) throw new Failure('VALIDATION', 'width must be from 64 to 2048', { path: ['width'] });
  return blobs.signedUrl(key, { expiresAt: inADay(), width: width ?? undefined });
}

async function beginUpload(context: Context, { contentType, byteLength }: { contentType: string; byteLength: number }) {
  const staged = await context.images.beginUpload(getCaller(context).accountId, { contentType, byteLength });
  return { ...staged, method: 'PUT', headers: [{ name: 'content-type', value: contentType }] };
}

async function generate(context: Context, input: GenerateHairstyleInput, keyed: Keyed | null) {
  const { generation, replayed } = await context.generations.accept(getCaller(context), input, keyed, context.stopped());
  return { ...changed(context, generation), replayed };
}

/** What was loaded before in this request is out of date. */
function changed({ loaders }: Context, generation: GenerationRow): { generation: GenerationRow } {
  loaders.generation.clear(generation.id).prime(generation.id, generation);
  loaders.picturesOf.clear(generation.id);
  return { generation };
}

/** graphql-js calls a function that stands for a field, here only when the count is asked for; the generated types know its result alone. */
const connection = <Node>({ totalCount, ...page }: CountedPage<Node>) => ({ ...page, totalCount: totalCount as unknown as number });
