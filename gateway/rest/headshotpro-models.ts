import { z } from 'zod';
import { Failure } from '../../schema/failures.ts';
import {
  CreateModel, DeleteModel, GetFavoritePhoto, GetModel, type GetModelQuery, GetPhoto, type GetPhotoQuery, type LikedStatus, ListFavoritePhotos, ListModels, ListPhotos, type PhotoStatus, RatePhoto, SelectFavoritePhoto,
} from '../../schema/types/operations.ts';
import { readBody } from './body.ts';
import { headshotDialect as dialect } from './dialect.ts';
import { base, email, known, modelWords, ofOrganization, optionalId, wordOf } from './headshotpro.ts';
import { firstPageOf, nextPageOf, sliceLinks, sliceOfTotal } from './paging.ts';
import { accepted } from './payload.ts';
import { type RestRequest, route } from './route.ts';

/** HeadshotPro, version 2: models and photos. What the document shows of one model and of a download is inferred from its lists. */

const photoWords = { ACTIVE: 'active', DELETED: 'deleted' } as const satisfies Record<PhotoStatus, string>;
const likedWords = { NONE: 'none', LIKED: 'liked', LOVED: 'loved' } as const satisfies Record<LikedStatus, string>;
const includes = { main: 'main', all: 'all' } as const;
const ids = z.string().regex(/^[0-9a-f]{24}$/i, 'photoIds must be the ids of photos');

const object = 'The request body must be a JSON object';
/** Both kinds of models are made by one engine here. */
const modelBody = z.object({ email, teamId: optionalId('teamId'), version: z.enum(['lora', 'one-shot'], 'version must be lora or one-shot').nullish(), isDevelopment: z.boolean('isDevelopment must be true or false').nullish() }, object);
const downloadBody = z.object({ photoIds: z.array(ids, 'photoIds must be an array of ids').max(200, 'photoIds must name at most 200 photos').nullish(), include: z.enum(['main', 'all'], 'include must be main or all').nullish() }, object);
const likedBody = z.object({ likedStatus: z.enum(['none', 'liked', 'loved'], 'likedStatus must be none, liked or loved') }, object);

/** Refuses with FORBIDDEN a key of no organization: only those have anything here. */
function ofTheirs<Variables>(variables: (request: RestRequest) => Variables): (request: RestRequest) => Variables {
  return (request) => {
    if (request.caller?.accountKind !== 'organization') throw new Failure('FORBIDDEN', 'This API key belongs to no organization');
    return variables(request);
  };
}

const param = ({ params }: RestRequest, name: string): string => params[name] ?? '';
const isAll = (request: RestRequest): boolean => wordOf(request, 'include', includes) === 'all';
const teamOf = ({ query }: RestRequest): string | null => (typeof query['teamId'] === 'string' && query['teamId'] !== '' ? query['teamId'] : null);

type Model = NonNullable<GetModelQuery['headshotModel']>;
function modelFields({ id, uid, email: address, title, status, team, isDevelopment, createdAt, finishedAt }: Model) {
  return { id, uid, email: address, title, status: modelWords[status], teamId: team?.id ?? null, teamName: team?.name ?? null, isDevelopment, createdAt, finishedAt };
}

type Photo = Omit<NonNullable<GetPhotoQuery['headshotPhoto']>, 'modelId'>;
/** A deleted photo has no addresses. */
function photoFields({ id, status, likedStatus, createdAt, urls, expiresAt }: Photo) {
  return { id, status: photoWords[status], likedStatus: likedWords[likedStatus], createdAt, urls: urlFields(urls), expiresAt };
}

const urlFields = (urls: Photo['urls']) => (urls === null ? { main: null } : { main: urls.main, ...urls.thumbnail !== undefined && { thumbnail: urls.thumbnail, original: urls.original } });
const ofModel = ({ modelId, ...photo }: NonNullable<GetPhotoQuery['headshotPhoto']>) => ({ ...photoFields(photo), modelId });

const modelRoutes = [
  route({
    method: 'GET', path: `${base}/models`, summary: 'The models of an organization, newest first; deleted ones only by their status.', dialect, operation: ListModels,
    variables: (request) => ({ ...firstPageOf(request), status: wordOf(request, 'status', modelWords), teamId: teamOf(request) }),
    rest: {
      variables(_, request, { viewer: { account } }) {
        const { nodes, totalCount } = ofOrganization(account).models;
        const next = nextPageOf(request, nodes.length, totalCount);
        return next && { ...next, status: wordOf(request, 'status', modelWords), teamId: teamOf(request) };
      },
      join: (first, next) => ({ viewer: { account: { models: { ...ofOrganization(next.viewer.account).models, nodes: [...ofOrganization(first.viewer.account).models.nodes, ...ofOrganization(next.viewer.account).models.nodes] } } } }),
    },
    reply({ viewer: { account } }, request) {
      const { nodes, totalCount } = ofOrganization(account).models;
      return { body: { success: true, models: nodes.map(modelFields), pagination: sliceOfTotal(request, totalCount) }, headers: sliceLinks(`${base}/models`, request, totalCount) };
    },
  }),
  route({
    method: 'POST', path: `${base}/models`, summary: 'Begins headshots of a person without an invite, who then has a link of their own; for organizations that may.', dialect, operation: CreateModel,
    body: modelBody,
    variables: ofTheirs((request) => {
      const { email: address, teamId, isDevelopment } = readBody(modelBody, request.body);
      return { email: address, teamId, isDevelopment: isDevelopment ?? false };
    }),
    reply({ createHeadshotModel: { model, signedUrl, errors } }) {
      const { id, status } = accepted(model, errors);
      return { body: { success: true, modelId: id, status: modelWords[status], signedUrl } };
    },
  }),
  route({
    method: 'GET', path: `${base}/models/:modelId`, summary: 'One model.', dialect, operation: GetModel,
    variables: ofTheirs((request) => ({ id: param(request, 'modelId') })),
    reply: ({ headshotModel }) => ({ body: { success: true, model: modelFields(known(headshotModel, 'Model')) } }),
  }),
  route({
    method: 'DELETE', path: `${base}/models/:modelId`, summary: 'Deletes a model with its photos and selfies; what is being made is stopped.', dialect, operation: DeleteModel,
    variables: ofTheirs((request) => ({ id: param(request, 'modelId') })),
    reply: ({ deleteHeadshotModel: { deletedId, errors } }) => ({ body: { success: true, message: 'Model deleted', modelId: accepted(deletedId, errors) } }),
  }),
];

const photosAsked = (request: RestRequest) => ({ id: param(request, 'modelId'), ...firstPageOf(request), status: wordOf(request, 'status', photoWords) ?? 'ACTIVE', liked: wordOf(request, 'likedStatus', likedWords), all: isAll(request) });
const photos = `${base}/models/:modelId/photos` as const;

const photoRoutes = [
  route({
    method: 'GET', path: photos, summary: 'The photos of a model, the best first.', dialect, operation: ListPhotos,
    variables: ofTheirs(photosAsked),
    rest: {
      variables(_, request, { headshotGallery }) {
        const { nodes, totalCount } = known(headshotGallery, 'Model').photos;
        const next = nextPageOf(request, nodes.length, totalCount);
        return next && { ...photosAsked(request), ...next };
      },
      join: (first, next) => ({ headshotGallery: next.headshotGallery && { photos: { ...next.headshotGallery.photos, nodes: [...first.headshotGallery?.photos.nodes ?? [], ...next.headshotGallery.photos.nodes] } } }),
    },
    reply({ headshotGallery }, request) {
      const { nodes, totalCount } = known(headshotGallery, 'Model').photos;
      return { body: { success: true, photos: nodes.map(photoFields), pagination: sliceOfTotal(request, totalCount) }, headers: sliceLinks(`${base}/models/${param(request, 'modelId')}/photos`, request, totalCount) };
    },
  }),
  route({
    method: 'GET', path: `${photos}/favorite`, summary: 'The photo that was chosen of a model.', dialect, operation: GetFavoritePhoto,
    variables: ofTheirs((request) => ({ id: param(request, 'modelId'), all: isAll(request) })),
    reply({ headshotGallery }) {
      const { favorite } = known(headshotGallery, 'Model');
      return { body: favorite ? { success: true, photo: ofModel(favorite) } : { success: true, photo: null, message: 'No favorite photo selected' } };
    },
  }),
  route({
    method: 'GET', path: `${photos}/:photoId`, summary: 'One photo of a model.', dialect, operation: GetPhoto,
    variables: ofTheirs((request) => ({ id: param(request, 'photoId'), all: isAll(request) })),
    reply({ headshotPhoto }, request) {
      const { modelId, ...photo } = known(headshotPhoto, 'Photo');
      return { body: { success: true, photo: photoFields(known(modelId === param(request, 'modelId').toLowerCase() ? photo : null, 'Photo')) } };
    },
  }),
  route({
    method: 'POST', path: `${photos}/download`, summary: 'Addresses of photos to be downloaded: of those that are named, else of all.', dialect, operation: ListPhotos,
    variables: ofTheirs((request) => ({ id: param(request, 'modelId'), limit: 100, offset: 0, status: 'ACTIVE' as const, liked: null, all: readBody(downloadBody, request.body ?? {}).include === 'all' })),
    reply({ headshotGallery }, request) {
      const { photoIds } = readBody(downloadBody, request.body ?? {});
      const byId = new Map(known(headshotGallery, 'Model').photos.nodes.map((photo) => [photo.id, photo]));
      const chosen = photoIds ? photoIds.map((id) => known(byId.get(id.toLowerCase()), `Photo ${id}`)) : [...byId.values()];
      return { body: { success: true, downloads: chosen.map(({ id, urls }) => ({ id, urls: urlFields(urls) })), expiresAt: chosen[0]?.expiresAt ?? null } };
    },
  }),
  route({
    method: 'GET', path: `${base}/photos/favorites`, summary: 'The chosen photos of all people, with whom they show.', dialect, operation: ListFavoritePhotos,
    variables: (request) => ({ ...firstPageOf(request), teamId: teamOf(request), all: isAll(request) }),
    rest: {
      variables(_, request, { viewer: { account } }) {
        const { nodes, totalCount } = ofOrganization(account).favoritePhotos;
        const next = nextPageOf(request, nodes.length, totalCount);
        return next && { ...next, teamId: teamOf(request), all: isAll(request) };
      },
      join: (first, next) => ({ viewer: { account: { favoritePhotos: { ...ofOrganization(next.viewer.account).favoritePhotos, nodes: [...ofOrganization(first.viewer.account).favoritePhotos.nodes, ...ofOrganization(next.viewer.account).favoritePhotos.nodes] } } } }),
    },
    reply({ viewer: { account } }, request) {
      const { nodes, totalCount } = ofOrganization(account).favoritePhotos;
      const found = nodes.map(({ modelId, person: { email: address, name, team }, ...photo }) => ({ ...photoFields(photo), modelId, email: address, name, teamId: team?.id ?? null, teamName: team?.name ?? null }));
      return { body: { success: true, photos: found, pagination: sliceOfTotal(request, totalCount) }, headers: sliceLinks(`${base}/photos/favorites`, request, totalCount) };
    },
  }),
];

/** The document has no way to say these. */
const choiceRoutes = [
  route({
    method: 'PUT', path: `${base}/photos/:photoId`, summary: 'Says what is thought of a photo: likedStatus none, liked or loved.', dialect, operation: RatePhoto,
    body: likedBody,
    variables: ofTheirs((request) => ({ id: param(request, 'photoId'), liked: likedOf(readBody(likedBody, request.body).likedStatus), all: isAll(request) })),
    reply: ({ ratePhoto }) => ({ body: { success: true, photo: ofModel(known(ratePhoto, 'Photo')) } }),
  }),
  route({
    method: 'PUT', path: `${base}/photos/:photoId/favorite`, summary: 'Makes a photo the favorite of its model.', dialect, operation: SelectFavoritePhoto,
    variables: ofTheirs((request) => ({ id: param(request, 'photoId'), all: isAll(request) })),
    reply: ({ selectFavoritePhoto }) => ({ body: { success: true, photo: ofModel(known(selectFavoritePhoto, 'Photo')) } }),
  }),
];

const likedOf = (word: 'none' | 'liked' | 'loved'): LikedStatus => ({ none: 'NONE', liked: 'LIKED', loved: 'LOVED' } as const)[word];

export const headshotModelRoutes = [...modelRoutes, ...photoRoutes, ...choiceRoutes];
