import { z } from 'zod';
import { Failure } from '../../schema/failures.ts';
import {
  CancelGeneration, CreateImage, GenerateHairstyle, GetGeneration, type GetGenerationQuery, ListColors, WatchGeneration,
  type JobStatus, type WatchGenerationSubscription,
} from '../../schema/types/operations.ts';
import { readBody } from './body.ts';
import { catalogueDialect, generationDialect } from './dialect.ts';
import { accepted } from './payload.ts';
import { eventRoute, presentState, route, type RestRequest } from './route.ts';
import { sexes, styleRoutes } from './styles.ts';

/** AIHairstyles, "Basic API". Field names and literal messages are the document's. */

const statusWords = { QUEUED: 'pending', PROCESSING: 'processing', COMPLETED: 'completed', FAILED: 'failed', CANCELED: 'canceled' } as const satisfies Record<JobStatus, string>;
const word = (value: string): string => value.toLowerCase();
const jobId = (id: string): string => id.replace(/^gen_/, 'job_');

const styleIds = z.array(z.union([z.string(), z.int()], 'styles must be an array of hairstyle ids').transform(String), 'styles must be an array of hairstyle ids');
const optionalText = (name: string) => z.string(`${name} must be a string`).nullish().transform((text) => text || null);
const generationBody = z.object({
  mode: z.enum(['live', 'test'], 'mode must be "live" or "test"').nullish().transform((mode) => (mode === 'test' ? 'TEST' as const : 'LIVE' as const)),
  gender: z.enum(['person', 'male', 'female', 'man', 'woman'], 'gender must be "person", "male", "female", "man" or "woman"').transform((gender) => sexes[gender]),
  styles: styleIds.min(1, 'styles must name at least one hairstyle').max(8, 'styles must name at most 8 hairstyles'),
  hair_colour: optionalText('hair_colour'),
  image_name: optionalText('image_name'),
  image_url: optionalText('image_url'),
  force_new_hairline: z.boolean('force_new_hairline must be true or false').nullish().transform((force) => force ?? false),
  callback_url: optionalText('callback_url'),
  client_id: optionalText('client_id'),
}, 'The request body must be a JSON object').refine((body) => body.image_name ?? body.image_url, 'image_name or image_url is required');

function generationInput(request: RestRequest) {
  const { mode, gender, styles, hair_colour, image_name, image_url, force_new_hairline, callback_url, client_id } = readBody(generationBody, request.body);
  for (const [name, url] of [['image_url', image_url], ['callback_url', callback_url]] as const) checkUrl(name, url);
  return {
    mode, gender, styleIds: styles, hairColor: hair_colour, imageName: image_name, imageUrl: image_url, forceNewHairline: force_new_hairline,
    callbackUrl: callback_url, clientId: client_id,
  };
}

function checkUrl(name: string, url: string | null): void {
  const protocol = url === null ? 'http:' : URL.parse(url)?.protocol;
  if (protocol !== 'http:' && protocol !== 'https:') throw new Failure('VALIDATION', `${name} must be an absolute http or https URL`);
}

type Job = NonNullable<GetGenerationQuery['hairstyleGeneration']>;
const isFinal = (status: JobStatus): boolean => status === 'COMPLETED' || status === 'FAILED' || status === 'CANCELED';
const retryAfterSeconds = 2;

/** Two fields in `data`, as documented; what else is known goes into headers, or behind `?expand=progress`. */
function jobReply(job: Job, { params, query }: RestRequest) {
  const { status, stage, percent, seq, etaSeconds, updatedAt } = job.progress;
  const progress = { stage, percent, seq, eta_seconds: etaSeconds, updated_at: updatedAt };
  return {
    headers: {
      link: `</api/v1/generation/${params['id']}/events>; rel="monitor"`,
      ...!isFinal(status) && { 'retry-after': String(retryAfterSeconds) },
    },
    body: {
      data: { images: job.images.map(({ url }) => url), status: statusWords[status], ...query['expand'] === 'progress' && { progress } },
      message: job.failure?.message ?? 'Success',
      status: 'success',
    },
  };
}

function known<Value>(value: Value | null): Value {
  if (value === null) throw new Failure('NOT_FOUND', 'Generation job not found');
  return value;
}

const idOf = ({ params }: RestRequest) => ({ id: params['id'] ?? '' });

export const aihairstylesRoutes = [
  ...styleRoutes,
  route({
    method: 'GET', path: '/api/v1/colors', summary: 'A list of all available hair colors.', dialect: catalogueDialect, operation: ListColors,
    variables: () => ({}),
    reply: ({ hairColors }) => ({
      body: { data: hairColors.map(({ previewImages, ...color }) => ({ ...color, preview_images: previewImages })), message: '', error: false },
    }),
  }),
  route({
    method: 'POST', path: '/api/v1/generation/hairstyle', summary: 'Starts a generation: one picture per style.', dialect: generationDialect, operation: GenerateHairstyle,
    body: generationBody,
    variables: (request) => ({ input: generationInput(request) }),
    reply({ generateHairstyle }) {
      const { id, mode, source: { name, url } } = accepted(generateHairstyle.generation, generateHairstyle.errors);
      return {
        body: { data: { id: jobId(id), mode: word(mode), image: { name, url } }, message: 'Job created successfully', status: 'success' },
        headers: {
          location: `/api/v1/generation/${jobId(id)}`, link: `</api/v1/generation/${jobId(id)}/events>; rel="monitor"`,
          ...generateHairstyle.replayed && { 'idempotency-replayed': 'true' },
        },
      };
    },
  }),
  route({
    method: 'GET', path: '/api/v1/generation/:id', summary: 'The status and results of a generation.', dialect: generationDialect, operation: GetGeneration,
    invalidKey: 403,
    variables: idOf,
    reply: ({ hairstyleGeneration }, request) => jobReply(known(hairstyleGeneration), request),
    awaits: {
      isOver: ({ hairstyleGeneration }) => hairstyleGeneration === null || isFinal(hairstyleGeneration.progress.status),
      operation: WatchGeneration,
      isLast: (event) => (event as WatchGenerationSubscription).generationProgress.terminal,
    },
  }),
  eventRoute({
    method: 'EVENTS', path: '/api/v1/generation/:id/events', summary: 'The events of a generation as they happen; Last-Event-ID resumes.', dialect: generationDialect,
    invalidKey: 403,
    operation: WatchGeneration,
    variables: (request, afterSeq) => ({ ...idOf(request), afterSeq }),
    present: presentState(GetGeneration, idOf, ({ hairstyleGeneration: job }, afterSeq) => job !== null && isFinal(job.progress.status) && afterSeq >= job.progress.seq),
    event({ generationProgress: { seq, kind, terminal, gap, at, progress, image, failure } }) {
      const { status, stage, percent, etaSeconds } = progress;
      const data = { seq, at, status: statusWords[status], stage, percent, eta_seconds: etaSeconds, ...image && { image: { url: image.url, style: image.style.id } }, ...failure && { failure }, ...gap && { gap } };
      return { id: seq, name: word(kind), data, isLast: terminal };
    },
  }),
  route({
    method: 'DELETE', path: '/api/v1/generation/:id', summary: 'Stops a generation and returns its credits; a final one is left as it is.', dialect: generationDialect, operation: CancelGeneration,
    variables: idOf,
    reply({ cancelGeneration }) {
      const { images, progress } = accepted(cancelGeneration.generation, cancelGeneration.errors);
      return { body: { data: { images: images.map(({ url }) => url), status: statusWords[progress.status] }, message: 'Success', status: 'success' } };
    },
  }),
  route({
    method: 'POST', path: '/api/v1/images', summary: 'Adds a photo to the account: multipart field "file", PNG, JPEG, WebP or HEIC, at most 5 MB.', dialect: generationDialect, operation: CreateImage,
    body: 'file',
    variables: async ({ upload }) => ({ input: await upload() }),
    reply({ createImage }) {
      const { id, name, url, width, height } = accepted(createImage.image, createImage.errors);
      return { body: { data: { id, name, url, width, height }, message: 'Image uploaded successfully', status: 'success' } };
    },
  }),
];
