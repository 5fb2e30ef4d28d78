import { Failure } from '../../schema/failures.ts';
import type { MutationCreateHeadshotModelArgs, Resolvers } from '../../schema/types/headshot.ts';
import { type AccountId, type InviteId, parseAccountId, parseClientId, parseInviteId, parseMemberId, parseModelId, parsePhotoId, parsePictureId, parseTeamId, type TeamId } from '../ids.ts';
import { type CountedPage, pageRequest } from '../paging.ts';
import { type Keyed, keyedBy } from '../requests.ts';
import { getCaller, payload, userErrors } from '../schema.ts';
import { checkUploadSize } from '../staged.ts';
import type { InviteOutcome } from './invite.ts';
import type { Context, HeadshotEventModel, OnboardingEventModel, TeamModel } from './models.ts';
import { onboardingStatusOf, selfiesAllowed, selfiesNeeded, subjectOf } from './onboarding.ts';
import { urlsExpireAt, urlsOf } from './photo.ts';
import { progressOf } from './progress.ts';
import { emailKeyOf, isInUse, keptUntil, offsetRequest } from './rules.ts';
import { adviceOf, checksOf } from './selfie-rules.ts';

const gallery: Pick<NonNullable<Resolvers['HeadshotGallery']>, 'photos' | 'favorite'> = {
  photos: ({ id }, { status, liked, ...paging }, { loaders }) => loaders.photosOf(id, { status, liked }, offsetRequest(paging, 50)).then(connection),
  favorite: ({ favoriteId }, _, { loaders }) => findLoaded(loaders.photo, favoriteId),
};

/** Every field of the subgraph that is not a property of its model, one line each. */
export const resolvers: Resolvers = {
  Query: {
    headshotModel: (_, { id }, { loaders }) => findLoaded(loaders.model, parseModelId(id)),
    headshotGallery: (_, { modelId }, { loaders }) => findLoaded(loaders.model, parseModelId(modelId)),
    headshotPhoto: (_, { id }, { loaders }) => findLoaded(loaders.photo, parsePhotoId(id)),
    invite: (_, { email }, context) => context.store.findInviteByEmail(getCaller(context).accountId, emailKeyOf(email)),
    onboarding: (_, { token }, { guests }) => guests.see(token),
  },
  Mutation: {
    createTeam: (_, given, context, info) => payload(async () => changed(context, await context.teams.create(getCaller(context), given.name, keyedBy(context, info, given, [])))),
    renameTeam: (_, { id, name }, context) => payload(async () => changed(context, await context.teams.rename(getCaller(context), id, name))),
    deleteTeam: (_, { id }, context) => payload(async () => ({ deletedId: await context.teams.delete(getCaller(context), id), ...(await organization(context)) })),
    addTeamMembers: (_, { teamId, emails }, context) => payload(async () => changed(context, await context.teams.addMembers(getCaller(context), teamId, emails))),
    createInvite: (_, { input }, context, info) => payload(async () => ({ invite: await context.invites.create(getCaller(context), input, keyedBy(context, info, input), context.stopped()) })),
    createInvites: (_, { input }, context, info) => payload(async () => ({ results: (await context.invites.createMany(getCaller(context), input, keyedBy(context, info, input), context.stopped())).map(resultOf) })),
    createInviteListUpload: (_, { byteLength }, context) => payload(async () => beginUpload(context, byteLength)),
    revokeInvite: (_, { email }, context, info) => payload(async () => ({ invite: await context.invites.revoke(getCaller(context), email, keyedBy(context, info, { email })) })),
    createHeadshotModel: (_, given, context, info) => payload(async () => beginModel(context, given, keyedBy(context, info, given, []))),
    deleteHeadshotModel: (_, { id }, context) => payload(async () => ({ deletedId: await context.models.remove(getCaller(context), parseModelId(id)) })),
    ratePhoto: (_, { id, liked }, context) => context.photos.rate(ownPhoto(context, id), liked),
    selectFavoritePhoto: (_, { id }, context) => context.photos.choose(ownPhoto(context, id)),
    deletePhoto: (_, { id }, context) => context.photos.remove(ownPhoto(context, id)),
    acceptInvite: (_, { token, name }, { guests }) => payload(async () => ({ onboarding: await guests.accept(token, name) })),
    createSelfieUpload: (_, { token, byteLength }, { selfies }) => payload(async () => ({ upload: await selfies.beginUpload(token, byteLength) })),
    addSelfie: (_, { token, ...upload }, { selfies, stopped }) => payload(async () => selfies.add(token, upload, stopped())),
    removeSelfie: (_, { token, id }, { selfies }) => payload(async () => selfies.remove(token, id)),
    completeOnboarding: (_, { token }, { guests }) => payload(async () => ({ onboarding: await guests.complete(token) })),
  },
  Subscription: {
    headshotProgress: {
      subscribe: async (_, { id, afterSeq }, context) => context.journal.subscribe(getCaller(context).accountId, parseModelId(id), afterSeq),
      resolve: (event: HeadshotEventModel) => event,
    },
    onboardingProgress: {
      subscribe: async (_, { token, afterSeq }, { guests }) => guests.follow(token, afterSeq),
      resolve: (event: OnboardingEventModel) => event,
    },
    inviteUpdated: {
      subscribe: async (_, { organization: id }, context) => context.journal.invites(ownOrganization(context, id)),
      resolve: (id: InviteId | null, _: unknown, { loaders }: Context) => getLoaded(loaders.invite, id),
    },
  },
  Organization: {
    // Only the caller's own organization has anything here: another one is as if it were not there.
    __resolveReference: ({ id }, { caller }) => (caller && parseAccountId(id) === caller.accountId ? { id: caller.accountId } : null),
    details: ({ id }, _, context) => detailsOf(context, id),
    teams: ({ id }, _, { teams }) => teams.list(id),
    members: ({ id }, { status = null, ...paging }, { lists }) => lists.members(id, { status }, paging).then(connection),
    invites: ({ id }, { status = null, ...paging }, { lists }) => lists.invites(id, { status }, paging).then(connection),
    models: ({ id }, { status = null, teamId, ...paging }, { lists }) => lists.models(id, { status, teamId: filterTeam(teamId) }, paging).then(connection),
    favoritePhotos: ({ id }, { teamId, ...paging }, { lists }) => lists.favorites(id, { teamId: filterTeam(teamId) }, paging).then(connection),
  },
  Team: {
    __resolveReference: ({ id }, { loaders }) => findLoaded(loaders.team, parseTeamId(id)),
    members: ({ id }, paging, { loaders }) => loaders.membersOf(id, offsetRequest(paging, 50)).then(connection),
    models: ({ id }, paging, { loaders }) => loaders.modelsOfTeam(id, offsetRequest(paging, 50)).then(connection),
  },
  TeamMember: {
    __resolveReference: ({ id }, { loaders }) => findLoaded(loaders.member, parseMemberId(id)),
    team: ({ teamId }, _, { loaders }) => findLoaded(loaders.team, teamId),
    model: ({ id }, _, { loaders }) => loaders.modelOf.load(id),
    modelId: async ({ id }, _, { loaders }) => (await loaders.modelOf.load(id))?.id ?? null,
    modelStatus: async ({ id }, _, { loaders }) => (await loaders.modelOf.load(id))?.status ?? null,
  },
  Invite: {
    __resolveReference: ({ id }, { loaders }) => findLoaded(loaders.invite, parseInviteId(id)),
    link: (invite, _, { links }) => (isInUse(invite) ? links.inviteUrl(invite.accountId, invite.id) : null),
    token: (invite, _, { links }) => (isInUse(invite) ? links.tokenOf(invite.accountId, invite.id) : null),
    team: ({ teamId }, _, { loaders }) => findLoaded(loaders.team, teamId),
    model: ({ modelId }, _, { loaders }) => findLoaded(loaders.model, modelId),
  },
  HeadshotModel: {
    __resolveReference: ({ id }, { loaders }) => findLoaded(loaders.model, parseModelId(id)),
    team: ({ teamId }, _, { loaders }) => findLoaded(loaders.team, teamId),
    progress: (model) => progressOf(model),
    keptUntil: (model, _, { kept }) => keptUntil(model, kept),
    ...gallery,
    startedFrom: ({ pictureId }) => reference(pictureId),
    client: ({ clientId }) => reference(clientId),
  },
  HeadshotGallery: gallery,
  HeadshotPhoto: {
    __resolveReference: ({ id }, { loaders }) => findLoaded(loaders.photo, parsePhotoId(id)),
    urls: (photo, _, { blobs }) => urlsOf(blobs, photo),
    expiresAt: (photo, _, { kept }) => (photo.blobKey === null ? null : urlsExpireAt(photo, kept)),
    framing: ({ framing }) => framings[framing],
    background: ({ backdrop }) => backdrop,
    model: ({ modelId }, _, { loaders }) => getLoaded(loaders.model, modelId),
    person: ({ modelId }, _, { loaders }) => getLoaded(loaders.model, modelId),
  },
  HeadshotPerson: {
    name: ({ title }) => title,
    team: ({ teamId }, _, { loaders }) => findLoaded(loaders.team, teamId),
  },
  HeadshotEvent: {
    progress: ({ body: { progress } }) => ({ ...progress, updatedAt: new Date(progress.updatedAt) }),
    photo: ({ body: { photoId } }, _, { loaders }) => findLoaded(loaders.photo, photoId),
    failure: ({ body: { failure } }) => failure,
    model: ({ body: { modelId } }, _, { loaders }) => getLoaded(loaders.model, modelId),
  },
  GenerationImage: {
    __resolveReference: ({ id }) => reference(parsePictureId(id)),
    headshots: async ({ id }, { first }, { loaders }) => (await loaders.modelsOfPicture(id, pageRequest({ first }, 10))).nodes,
  },
  Client: {
    __resolveReference: ({ id }) => reference(parseClientId(id)),
    headshots: ({ id }, paging, { loaders }) => loaders.modelsOfClient(id, pageRequest(paging, 10)).then(connection),
  },
  Onboarding: {
    organizationName: async (guest, _, { accountNames }) => (await accountNames.find(subjectOf(guest).accountId)) ?? '',
    email: (guest) => subjectOf(guest).email,
    name: ({ model }) => model?.title ?? null,
    status: (guest) => onboardingStatusOf(guest),
    isDevelopment: (guest) => subjectOf(guest).isDevelopment,
    expiresAt: (guest) => subjectOf(guest).expiresAt,
    selfiesNeeded: (guest) => selfiesNeeded(guest),
    selfiesAllowed: (guest) => selfiesAllowed(guest),
    progress: ({ model }) => model && progressOf(model),
    failure: ({ model }) => model?.failure ?? null,
    keptUntil: ({ model }, _, { kept }) => model && keptUntil(model, kept),
    selfiesKeptDays: (_, __, { kept }) => kept.selfiesMs / 86_400_000,
    photos: ({ model }, _, { guests }) => (model ? guests.photosOf(model) : []),
  },
  OnboardingEvent: {
    progress: ({ body: { progress } }) => ({ ...progress, updatedAt: new Date(progress.updatedAt) }),
    photo: async ({ accountId, body: { photoId } }, _, { store }) => (photoId === null ? null : (await store.findPhotos(accountId, [photoId]))[0] ?? null),
    failure: ({ body: { failure } }) => failure,
  },
  Selfie: {
    url: ({ blobKey }, { width }, { blobs }) => blobs.signedUrl(blobKey, { expiresAt: new Date(Date.now() + 3_600_000), width: width ?? undefined }),
    score: ({ assessment }) => assessment.score,
    issues: ({ assessment }) => assessment.issues,
    advice: ({ assessment }) => adviceOf(assessment),
    checks: ({ assessment }) => checksOf(assessment),
  },
};

type Loader<Id, Row> = { load(id: Id): Promise<Row | null> };

const findLoaded = async <Id, Row>(loader: Loader<Id, Row>, id: Id | null): Promise<Row | null> => (id === null ? null : loader.load(id));

const reference = <Id>(id: Id | null): { id: Id } | null => (id === null ? null : { id });
const framings = { close: 'CLOSE', portrait: 'PORTRAIT', bust: 'BUST' } as const;
const ownPhoto = (context: Context, id: string) => ({ accountId: getCaller(context).accountId, id: parsePhotoId(id) });

async function beginModel(context: Context, given: MutationCreateHeadshotModelArgs, keyed: Keyed | null) {
  const model = await context.models.create(getCaller(context), given, keyed, context.stopped());
  return { model, signedUrl: model.pictureId === null && model.status === 'ONBOARDING' ? context.links.modelUrl(model.accountId, model.id) : null };
}

const detailsOf = async ({ store, teams }: Context, id: AccountId) => ({ uid: `org_${id.replaceAll('-', '')}`, isWhitelabel: await store.isWhitelabel(id), teams: await teams.list(id) });

async function organization(context: Context) {
  const { accountId: id } = getCaller(context);
  return { organization: { id }, details: await detailsOf(context, id) };
}

/** What was loaded before in this request is out of date. */
async function changed(context: Context, team: TeamModel) {
  context.loaders.team.clear(team.id).prime(team.id, team);
  return { team, ...(await organization(context)) };
}

const resultOf = ({ email, made }: InviteOutcome) => (made instanceof Failure ? { email, invite: null, errors: userErrors<never>(made) } : { email, invite: made, errors: [] });

/** Refuses with VALIDATION what is no id of a team; of another organization's there is nothing to be listed. */
function filterTeam(given: string | null | undefined): TeamId | null {
  const teamId = given === null || given === undefined ? null : parseTeamId(given);
  if (typeof given === 'string' && teamId === null) throw new Failure('VALIDATION', 'teamId is not the id of a team', { path: ['teamId'] });
  return teamId;
}

async function beginUpload(context: Context, byteLength: number) {
  checkUploadSize(byteLength);
  return { upload: await context.blobs.stage(getCaller(context).accountId, byteLength) };
}

/** Refuses with NOT_FOUND another one than the caller's, whether it exists or not. */
function ownOrganization(context: Context, id: string) {
  const { accountId } = getCaller(context);
  if (parseAccountId(id) !== accountId) throw new Failure('NOT_FOUND', 'No such organization', { path: ['organization'] });
  return accountId;
}

/** For what a row of the same account points to. */
async function getLoaded<Id, Row>(loader: Loader<Id, Row>, id: Id | null): Promise<Row> {
  const row = await findLoaded(loader, id);
  if (row === null) throw new Failure('NOT_FOUND', 'It is no longer kept');
  return row;
}

/** graphql-js calls a function that stands for a field, here only when the count is asked for; the generated types know its result alone. */
const connection = <Node>({ totalCount, ...page }: CountedPage<Node>) => ({ ...page, totalCount: totalCount as unknown as number });
