import type { WatchedServer } from './watched-server.ts';
import type { Answer } from '../support/platform.ts';

/** A way by which bytes come in. Gives what is wrong with the answer, or null. */
export type Door = (bytes: Uint8Array, name?: string) => Promise<{ status: number; text: string; wrong: string | null }>;
export type Doors = Record<'images' | 'skinshade' | 'signed PUT' | 'media', Door>;

const form = (bytes: Uint8Array, name: string): FormData => {
  const made = new FormData();
  made.append('file', new Blob([new Uint8Array(bytes)]), name);
  return made;
};

/** The four ways by which a picture comes in, each with the answers that are documented for it. */
export async function openDoors(server: WatchedServer): Promise<Doors> {
  const { personalKey, enterprise } = server.demo;
  const client = await server.rest<{ client: { id: string } }>(`/api/v1/enterprise/${enterprise.slug}/clients`, { key: enterprise.key, json: { email: `fuzz${Date.now()}@example.com` } });
  const shade = createShadeKeys(server);
  return {
    async images(bytes, name = 'photo.jpg') {
      const answer = await server.rest('/api/v1/images', { key: personalKey, body: form(bytes, name) });
      return judged(answer, [200, 400, 413], (body) => (answer.status === 200 ? typeof field(body, 'data', 'id') === 'string' : body['status'] === 'error' && body['data'] === null && isText(body['message'])));
    },
    async media(bytes, name = 'photo.jpg') {
      const answer = await server.rest(`/api/v1/enterprise/${enterprise.slug}/clients/${client.body.client.id}/media`, { key: enterprise.key, body: form(bytes, name) });
      return judged(answer, [200, 400, 413], (body) => (answer.status === 200 ? typeof field(body, 'data', 'file_url') === 'string' : body['success'] === false && body['status'] === 'error' && isText(body['message'])));
    },
    async skinshade(bytes, name = 'photo.jpg') {
      const answer = await server.rest('/api/skinshade', { key: await shade.current(), body: form(bytes, name) });
      if (answer.status === 200) shade.use();
      return judged(answer, [200, 400, 413], (body) => (answer.status === 200 ? /^#[0-9a-f]{6}$/.test(String(body['skinShade'])) && isText(body['toneRange']) : isText(body['error']) && Object.keys(body).length === 1));
    },
    async 'signed PUT'(bytes) {
      const mutation = 'mutation ($n: Int!) { createImageUpload(contentType: "image/jpeg", byteLength: $n) { uploadId uploadUrl } }';
      const { createImageUpload: { uploadId, uploadUrl } } = await server.gql<{ createImageUpload: { uploadId: string; uploadUrl: string } }>(personalKey, mutation, { n: Math.max(1, bytes.length) });
      const { pathname, search } = new URL(uploadUrl);
      const sent = await server.rest(pathname + search, { method: 'PUT', body: new Blob([new Uint8Array(bytes)]), headers: { 'content-type': 'image/jpeg' } });
      if (sent.status !== 204) return { status: sent.status, text: sent.text, wrong: sent.status === (bytes.length === 0 ? 400 : 413) ? null : `the PUT: ${sent.status} ${sent.text}` };
      const create = 'mutation ($id: ID!) { createImage(input: { uploadId: $id }) { image { id } errors { code message } } }';
      const answer = await server.rest('/graphql', { key: personalKey, json: { query: create, variables: { id: uploadId } } });
      return judged(answer, [200], (body) => {
        const made = field(body, 'data', 'createImage') as { image: { id: string } | null; errors: { code: string; message: string }[] } | null;
        return made !== null && (made.image !== null) !== (made.errors.length > 0) && made.errors.every(({ code, message }) => ['IMAGE_REJECTED', 'VALIDATION'].includes(code) && isText(message));
      });
    },
  };
}

const isText = (value: unknown): boolean => typeof value === 'string' && value.length > 0;
const field = (body: Record<string, unknown>, outer: string, inner: string): unknown => (body[outer] as Record<string, unknown> | null | undefined)?.[inner] ?? null;

function judged({ status, text, body }: Answer, statuses: readonly number[], isShaped: (body: Record<string, unknown>) => boolean) {
  const isRight = statuses.includes(status) && body !== null && isShaped(body);
  return { status, text, wrong: isRight ? null : `${status} ${text.slice(0, 300)}` };
}

/** A key reads a hundred shades a month; then the next one. */
function createShadeKeys({ rest, demo: { enterprise } }: WatchedServer) {
  let [key, left] = ['', 0];
  return {
    async current(): Promise<string> {
      if (left > 0) return key;
      const { body } = await rest<{ data: { api_key: string } }>(`/api/v1/enterprise/${enterprise.slug}/api-keys`, { key: enterprise.key, json: { name: 'shades' } });
      [key, left] = [body.data.api_key, 100];
      return key;
    },
    use: () => void (left -= 1),
  };
}
