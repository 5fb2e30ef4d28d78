import { Failure } from '../../schema/failures.ts';
import { CreateSkinShadeKey, DetectSkinShade, type DetectSkinShadeMutation, GetSkinShadeHealth, type ToneRange } from '../../schema/types/operations.ts';
import { skinshadeDialect } from './dialect.ts';
import { accepted } from './payload.ts';
import { type RestRequest, route } from './route.ts';

/** The skin-shade API. Field names and literal messages are the document's, and where it has none those of the specification. */

const toneWords = { FAIR: 'Fair', LIGHT: 'Light', MEDIUM: 'Medium', TAN: 'Tan', DEEP: 'Deep', DARK: 'Dark' } as const satisfies Record<ToneRange, string>;
const monthSeconds = 2_592_000;

/** Refuses in the document's words what is no form with a file, whatever else it is. */
async function sentFile({ headers, upload }: RestRequest): Promise<string> {
  if (!/^multipart\/form-data\b/i.test(headers['content-type'] ?? '')) throw new Failure('VALIDATION', 'No file part');
  return (await upload()).uploadId;
}

type Detected = DetectSkinShadeMutation['detectSkinShade'];

/** What is wrong with a picture, in the document's words where it has some. */
function readingOf({ reading, errors }: Detected): NonNullable<Detected['reading']> {
  const [error] = errors;
  const [issue] = error && 'issues' in error ? error.issues : [];
  if (issue === 'NO_FACE') throw new Failure('IMAGE_REJECTED', 'No face detected');
  if (issue === 'UNSUPPORTED_TYPE' || issue === 'NOT_AN_IMAGE') throw new Failure('IMAGE_REJECTED', 'Invalid file type');
  return accepted(reading, errors);
}

function quotaHeaders({ usage, replayed }: Detected): Record<string, string> {
  if (!usage) return {};
  const leftSeconds = Math.max(0, Math.ceil((Date.parse(usage.resetsAt) - Date.now()) / 1000));
  return {
    'ratelimit-policy': `"month";q=${usage.limit};w=${monthSeconds}`, 'ratelimit': `"month";r=${usage.remaining};t=${leftSeconds}`,
    ...replayed && { 'idempotency-replayed': 'true' },
  };
}

const healthReply = (healthy: boolean, details: { app: string; model: string; database: string }) => ({ status: healthy ? 200 : 503, body: { status: healthy ? 'healthy' : 'unhealthy', details } });

export const skinshadeRoutes = [
  route({
    // It makes a key at every GET, so that whatever asks ahead or asks again must not: no HEAD, no cache.
    method: 'GET', path: '/api/generatekey', summary: 'A new API key: one a month for each address.', dialect: skinshadeDialect, operation: CreateSkinShadeKey, isOpen: true, hasHead: false,
    variables: () => ({}),
    reply: ({ createSkinShadeKey: { secret, errors } }) => ({ body: { roboKey: accepted(secret, errors) } }),
  }),
  route({
    method: 'POST', path: '/api/skinshade', summary: 'The skin shade in a picture: multipart field "file", PNG, JPEG or HEIC, at most 5 MB.', dialect: skinshadeDialect, operation: DetectSkinShade, takesAnyBody: true,
    body: 'file',
    variables: async (request) => ({ input: { uploadId: await sentFile(request) } }),
    reply({ detectSkinShade }) {
      const { hex, toneRange } = readingOf(detectSkinShade);
      return { body: { skinShade: hex, toneRange: toneWords[toneRange] }, headers: quotaHeaders(detectSkinShade) };
    },
  }),
  route({
    method: 'GET', path: '/api/skinshade-health', summary: 'Whether the application, the model and the database are well.', dialect: skinshadeDialect, operation: GetSkinShadeHealth, isOpen: true,
    variables: () => ({}),
    reply: ({ skinShadeHealth: { healthy, app, model, database } }) => healthReply(healthy, { app, model, database }),
    insteadOfFault: () => healthReply(false, { app: 'App is not running', model: 'AI model is not reachable', database: 'Database is not reachable' }),
  }),
];
