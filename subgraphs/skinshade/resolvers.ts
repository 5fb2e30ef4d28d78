import type { DetectSkinShadeInput, Resolvers } from '../../schema/types/skinshade.ts';
import { parseAccountId, parseClientId, parseImageId, parseReadingId } from '../ids.ts';
import { type CountedPage, pageRequest } from '../paging.ts';
import { type Keyed, keyedBy } from '../requests.ts';
import { getCaller, payload } from '../schema.ts';
import { fitOf, hairColorRules, recommend } from './advice.ts';
import { createFreeKey } from './key.ts';
import { pageOfReadings } from './loaders.ts';
import type { Context, SkinShadeReadingModel } from './models.ts';
import { checkFirst, hexOf, monkToneOf, toneRangeOf, typologyAngleOf, undertoneOf } from './rules.ts';

/** Every field of the subgraph that is not a property of its model, one line each. */
export const resolvers: Resolvers = {
  Query: {
    skinShadeReading: (_, { id }, context) => findReading(context, id),
    skinShadeUsage: (_, _args, context) => context.detections.usage(getCaller(context)),
    skinShadeHealth: (_, _args, { health }) => health(),
    hairColorRules: () => hairColorRules,
  },
  Mutation: {
    detectSkinShade: (_, { input }, context, info) => payload(async () => detect(context, input, keyedBy(context, info, input))),
    createSkinShadeKey: (_, _args, context) => payload(async () => createFreeKey(context.platform, context.grants, context)),
  },
  SkinShadeReading: {
    __resolveReference: ({ id }, context) => findReading(context, id),
    hex: (reading) => hexOf(reading),
    lab: ({ l, a, b }) => ({ l, a, b }),
    toneRange: (reading) => toneRangeOf(reading),
    undertone: (reading) => undertoneOf(reading),
    ita: (reading) => typologyAngleOf(reading),
    monkTone: (reading) => monkToneOf(reading),
    confidence: ({ confidence }) => Math.round(confidence * 100) / 100,
    image: ({ imageId }) => (imageId === null ? null : { id: imageId }),
    client: ({ clientId }) => (clientId === null ? null : { id: clientId }),
    recommendedHairColors: (reading, { first, families = null }) => recommend(hexOf(reading), families).slice(0, checkFirst(first)),
  },
  HairColor: {
    suits: ({ hex }, { skinShade }) => fitOf(skinShade, hex),
  },
  SourceImage: {
    __resolveReference: ({ id }) => reference(parseImageId(id)),
    skinShade: ({ id }, _, { loaders }) => loaders.latestOfImage.load(id),
  },
  Account: {
    // Only the caller's own account has anything here: another one's is as if it were not there.
    __resolveReference: ({ id }, { caller }) => (caller && parseAccountId(id) === caller.accountId ? { id: caller.accountId } : null),
    skinShadeReadings: ({ id }, { first, after = null }, { store }) => pageOfReadings(store, id, { first, after }).then(connection),
  },
  Client: {
    __resolveReference: ({ id }) => reference(parseClientId(id)),
    latestSkinShade: ({ id }, _, { loaders }) => loaders.latestOfClient.load(id),
    skinShadeReadings: ({ id }, args, { loaders }) => loaders.readingsOf(id, pageRequest(args, 10)).then(connection),
  },
};

const reference = <Id>(id: Id | null): { id: Id } | null => (id === null ? null : { id });

async function findReading({ loaders }: Context, id: string): Promise<SkinShadeReadingModel | null> {
  const readingId = parseReadingId(id);
  return readingId && loaders.reading.load(readingId);
}

/** What was loaded before in this request is out of date. */
async function detect(context: Context, input: DetectSkinShadeInput, keyed: Keyed | null) {
  const detected = await context.detections.detect(getCaller(context), input, keyed, context.stopped());
  const { id, imageId, clientId } = detected.reading;
  context.loaders.reading.clear(id).prime(id, detected.reading);
  if (imageId !== null) context.loaders.latestOfImage.clear(imageId);
  if (clientId !== null) context.loaders.latestOfClient.clear(clientId);
  return detected;
}

/** graphql-js calls a function that stands for a field, here only when the count is asked for; the generated types know its result alone. */
const connection = <Node>({ totalCount, ...page }: CountedPage<Node>) => ({ ...page, totalCount: totalCount as unknown as number });
