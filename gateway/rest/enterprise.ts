import { z } from 'zod';
import { Failure } from '../../schema/failures.ts';
import {
  AddClientMedia, CreateApiKey, CreateClient, DeleteApiKey, EraseClient, GetClient, GetErasure, type GetErasureQuery, type JobStatus, ListApiKeys, ListClientGenerations, ListClients,
  type ListClientGenerationsQuery, type ListClientsQuery,
} from '../../schema/types/operations.ts';
import { readBody } from './body.ts';
import { enterpriseDialect } from './dialect.ts';
import { pageLinks, pageOf, paginationOf } from './paging.ts';
import { accepted } from './payload.ts';
import { type RestRequest, route } from './route.ts';

/** AIHairstyles, "Enterprise API". Field names and literal messages are the document's; every endpoint has a shape of its own there. */

const optional = (name: string, check: (text: string) => boolean, message: string) =>
  z.string(`${name} must be a string`).nullish().transform((text) => text || null).refine((text) => text === null || check(text), message);
const clientBody = z.object({
  email: optional('email', (text) => text.length <= 254 && /^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/.test(text), 'email must be a valid email address'),
  phone_number: optional('phone_number', (text) => text.length <= 64 && (text.match(/\d/g) ?? []).length >= 3, 'phone_number must be a valid phone number'),
  name: z.string('name must be a string').trim().min(1, 'name must have at least 1 character').max(255, 'name must have at most 255 characters').nullish().transform((name) => name ?? null),
  source: z.string('source must be a string').trim().min(1, 'source must have at least 1 character').max(64, 'source must have at most 64 characters').nullish().transform((source) => source ?? 'api'),
}, 'The request body must be a JSON object').refine(({ email, phone_number }) => email ?? phone_number, 'Either email or phone_number must be provided');
const keyBody = z.object({
  name: z.string('name must be a string').trim().min(1, 'name must have at least 1 character').max(100, 'name must have at most 100 characters'),
  expires_at: z.iso.datetime({ offset: true, error: 'expires_at must be a moment such as 2025-01-15T00:00:00Z' }).nullish().transform((moment) => moment ?? null),
  scopes: z.array(z.string('scopes must be a list of strings'), 'scopes must be a list of strings').nullish().transform((scopes) => scopes ?? null),
}, 'The request body must be a JSON object');

type Listed = NonNullable<ListClientsQuery['enterprise']>['clients']['nodes'][number];
type Generation = NonNullable<NonNullable<ListClientGenerationsQuery['enterprise']>['client']>['generations']['nodes'][number];

const statusWords = { QUEUED: 'pending', PROCESSING: 'processing', COMPLETED: 'completed', FAILED: 'failed', CANCELED: 'canceled' } as const satisfies Record<JobStatus, string>;
const genders = { FEMININE: 'feminine', MASCULINE: 'masculine', UNISEX: 'person' } as const;

const slugOf = ({ params }: RestRequest): string => params['slug'] ?? '';
const idOf = ({ params }: RestRequest): string => params['id'] ?? '';
const pathOf = (request: RestRequest, rest: string): string => `/api/v1/enterprise/${encodeURIComponent(slugOf(request))}/${rest}`;

/** The graph has refused already where this is null because of the slug; what is left is another business's client, or nobody's. */
function known<Value>(value: Value | null | undefined): Value {
  if (value === null || value === undefined) throw new Failure('NOT_FOUND', 'Client not found');
  return value;
}

function clientFields({ id, email, name, phoneNumber, source, user, createdBy }: Omit<Listed, 'media'>) {
  return { id, email, name, phone_number: phoneNumber, user_id: user?.id ?? null, metadata: { source, created_by: createdBy?.id ?? null } };
}

const mediaFields = ({ id, fileUrl, fileName, source, createdAt }: Listed['media']['nodes'][number]) => ({ id, file_url: fileUrl, file_name: fileName, created_at: createdAt, metadata: { source } });

function generationFields({ id, createdAt, gender, forceNewHairline, progress, styles, hairColor, images }: Generation) {
  const data = { styles: styles.map(({ description }) => description), gender: genders[gender], hairColours: hairColor ? [hairColor.name.toLowerCase()] : [], options: { force_new_hairline: forceNewHairline } };
  return { id, created_at: createdAt, status: statusWords[progress.status], data, images: images.map(({ url }) => url) };
}

const mediaPage = (request: RestRequest) => pageOf(request, { page: 'media_page', limit: 'media_limit' }, 100);

const clientRoutes = [
  route({
    method: 'GET', path: '/api/v1/enterprise/:slug/clients', summary: 'The clients of a business, newest first, each with its newest media.', dialect: enterpriseDialect, operation: ListClients,
    variables: (request) => ({ slug: slugOf(request), ...pageOf(request), search: typeof request.query['search'] === 'string' ? request.query['search'] : null }),
    reply({ enterprise }, request) {
      const { nodes, totalCount } = known(enterprise).clients;
      const clients = nodes.map(({ media, ...client }) => ({ ...clientFields(client), enterprise_clients_media: media.nodes.map(mediaFields) }));
      return { body: { clients, pagination: paginationOf(request, totalCount) }, headers: pageLinks(pathOf(request, 'clients'), request, totalCount) };
    },
  }),
  route({
    method: 'POST', path: '/api/v1/enterprise/:slug/clients', summary: 'Adds a client to a business.', dialect: enterpriseDialect, operation: CreateClient,
    body: clientBody,
    variables(request) {
      const { email, name, phone_number, source } = readBody(clientBody, request.body);
      return { slug: slugOf(request), input: { email, name, phoneNumber: phone_number, source } };
    },
    reply({ createClient }, request) {
      const { createdAt, enterprise, ...client } = accepted(createClient.client, createClient.errors);
      const { metadata, user_id, ...fields } = clientFields(client);
      return {
        body: { success: true, client: { ...fields, enterprise_id: enterprise.id, user_id, metadata, created_at: createdAt }, message: 'Client created successfully' },
        headers: { location: pathOf(request, `clients/${client.id}`) },
      };
    },
  }),
  route({
    method: 'GET', path: '/api/v1/enterprise/:slug/clients/:id', summary: 'One client with its media, newest first.', dialect: enterpriseDialect, operation: GetClient,
    variables(request) {
      const { page, limit } = mediaPage(request);
      return { slug: slugOf(request), id: idOf(request), mediaLimit: limit, mediaPage: page };
    },
    reply({ enterprise }) {
      const { media: { nodes, totalCount }, ...client } = known(enterprise?.client);
      return { body: { ...clientFields(client), enterprise_clients_media: nodes.map(mediaFields), media_count: totalCount, media_loaded: nodes.length } };
    },
  }),
  route({
    method: 'GET', path: '/api/v1/enterprise/:slug/clients/:id/generations', summary: 'The generations that were made for a client, newest first.', dialect: enterpriseDialect, operation: ListClientGenerations,
    variables: (request) => ({ slug: slugOf(request), id: idOf(request), ...pageOf(request) }),
    reply({ enterprise }, request) {
      const { nodes, totalCount } = known(enterprise?.client).generations;
      const headers = pageLinks(pathOf(request, `clients/${encodeURIComponent(idOf(request))}/generations`), request, totalCount);
      return { body: { generations: nodes.map(generationFields), pagination: paginationOf(request, totalCount) }, headers };
    },
  }),
  route({
    method: 'POST', path: '/api/v1/enterprise/:slug/clients/:id/media', summary: 'Adds a photo of a client: multipart field "file", PNG, JPEG, WebP or HEIC, at most 5 MB.', dialect: enterpriseDialect, operation: AddClientMedia,
    body: 'file',
    async variables(request) {
      const { uploadId, name } = await request.upload();
      return { slug: slugOf(request), clientId: idOf(request), input: { uploadId, fileName: name } };
    },
    reply: ({ addClientMedia }) => ({ body: { success: true, data: mediaFields(accepted(addClientMedia.media, addClientMedia.errors)), message: 'Media uploaded successfully' } }),
  }),
];

type Receipt = NonNullable<NonNullable<GetErasureQuery['enterprise']>['erasure']>;
function receiptFields({ id, clientId, status, requestedAt, completedAt, removed }: Receipt) {
  return { id, client_id: clientId, status: status.toLowerCase(), requested_at: requestedAt, completed_at: completedAt, removed: Object.fromEntries(removed.map(({ subgraph, rows, files }) => [subgraph, { rows, files }])) };
}

const erasureRoutes = [
  route({
    method: 'DELETE', path: '/api/v1/enterprise/:slug/clients/:id', summary: 'Removes a client and everything that is kept of the person, everywhere.', dialect: enterpriseDialect, operation: EraseClient,
    variables: (request) => ({ slug: slugOf(request), id: idOf(request) }),
    reply({ eraseClient }, request) {
      const erasure = accepted(eraseClient.erasure, eraseClient.errors);
      return { status: 202, body: { success: true, data: receiptFields(erasure), message: 'Client erasure started' }, headers: { location: pathOf(request, `erasures/${erasure.id}`) } };
    },
  }),
  route({
    method: 'GET', path: '/api/v1/enterprise/:slug/erasures/:id', summary: 'The receipt of a removal.', dialect: enterpriseDialect, operation: GetErasure,
    variables: (request) => ({ slug: slugOf(request), id: idOf(request) }),
    reply({ enterprise }) {
      const erasure = enterprise?.erasure;
      if (!erasure) throw new Failure('NOT_FOUND', 'Erasure not found');
      return { body: { success: true, data: receiptFields(erasure), message: erasure.status === 'COMPLETED' ? 'Client erased successfully' : 'Client erasure is running' } };
    },
  }),
];

const keyRoutes = [
  route({
    method: 'GET', path: '/api/v1/enterprise/:slug/api-keys', summary: 'The keys of a business, masked.', dialect: enterpriseDialect, operation: ListApiKeys,
    variables: (request) => ({ slug: slugOf(request), offset: 0 }),
    rest: {
      variables: (page, request, data) => page.enterprise?.apiKeys.length === 100 ? { slug: slugOf(request), offset: known(data.enterprise).apiKeys.length } : null,
      join: (first, next) => ({ enterprise: { apiKeys: [...known(first.enterprise).apiKeys, ...known(next.enterprise).apiKeys] } }),
    },
    reply: ({ enterprise }) => ({
      body: {
        data: known(enterprise).apiKeys.map(({ id, name, createdAt, lastUsedAt, status, masked }) => ({ id, name, created_at: createdAt, last_used: lastUsedAt, status: status.toLowerCase(), api_key: masked })),
        message: 'API keys retrieved successfully',
      },
    }),
  }),
  route({
    method: 'POST', path: '/api/v1/enterprise/:slug/api-keys', summary: 'A new key for a business; its value is shown once.', dialect: enterpriseDialect, operation: CreateApiKey,
    body: keyBody,
    variables(request) {
      const { name, expires_at, scopes } = readBody(keyBody, request.body);
      return { slug: slugOf(request), input: { name, expiresAt: expires_at, scopes } };
    },
    reply({ createApiKey }) {
      const { id, name, createdAt, expiresAt, status } = accepted(createApiKey.apiKey, createApiKey.errors);
      return { body: { success: true, data: { id, name, api_key: createApiKey.secret, created_at: createdAt, expires_at: expiresAt, status: status.toLowerCase() }, message: 'API key created successfully' } };
    },
  }),
  route({
    method: 'DELETE', path: '/api/v1/enterprise/:slug/api-keys/:id', summary: 'Ends a key at once. The last usable one cannot be deleted.', dialect: enterpriseDialect, operation: DeleteApiKey,
    variables: (request) => ({ slug: slugOf(request), id: idOf(request) }),
    reply({ deleteApiKey }) {
      accepted(deleteApiKey.deletedId, deleteApiKey.errors);
      return { body: { success: true, message: 'API key deleted successfully' } };
    },
  }),
];

export const enterpriseRoutes = [...clientRoutes, ...erasureRoutes, ...keyRoutes];
