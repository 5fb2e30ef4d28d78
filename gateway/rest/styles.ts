import { Failure } from '../../schema/failures.ts';
import { DeleteStyle, ImportStyle, ListStyles } from '../../schema/types/operations.ts';
import { catalogueDialect } from './dialect.ts';
import { accepted } from './payload.ts';
import { type RestRequest, route } from './route.ts';

/** AIHairstyles, styles: the documented list, and what an account adds to it, in the list's words. */

export const sexes = { male: 'MASCULINE', man: 'MASCULINE', female: 'FEMININE', woman: 'FEMININE', person: 'UNISEX' } as const;
const genders: ReadonlyMap<string, (typeof sexes)[keyof typeof sexes]> = new Map(Object.entries(sexes));

type Shown = { id: string; description: string; sex: string; tags: readonly string[] };
const shown = ({ id, description, sex, tags }: Shown) => ({ description, sex: sex.toLowerCase(), id: Number(id), tags: tags.join(', ') });

async function importInput(request: RestRequest) {
  const { uploadId, fields: { description, gender = 'person', tags, client_id } } = await request.form();
  const sex = genders.get(gender);
  if (!sex) throw new Failure('VALIDATION', 'gender must be "person", "male", "female", "man" or "woman"');
  const words = (tags ?? '').split(',').map((tag) => tag.trim()).filter(Boolean);
  return { uploadId, description: description || null, sex, tags: words, clientId: client_id || null };
}

export const styleRoutes = [
  route({
    method: 'GET', path: '/api/v1/styles', summary: 'A list of all available hairstyles.', dialect: catalogueDialect, operation: ListStyles,
    variables: () => ({ after: null }),
    rest: {
      variables: ({ hairstyles: { pageInfo } }) => (pageInfo.hasNextPage ? { after: pageInfo.endCursor } : null),
      join: (first, next) => ({ hairstyles: { ...next.hairstyles, nodes: [...first.hairstyles.nodes, ...next.hairstyles.nodes] } }),
    },
    reply: ({ hairstyles }) => ({ body: { data: hairstyles.nodes.map(shown), message: '', error: false } }),
  }),
  route({
    method: 'POST', path: '/api/v1/styles/import', dialect: catalogueDialect, operation: ImportStyle,
    summary: 'Makes the hair of a portrait a style of the account: multipart field "file", PNG, JPEG, WebP or HEIC, at most 5 MB; beside it "description", "gender", "tags" (with commas) and "client_id", each optional.',
    body: 'file',
    variables: async (request) => ({ input: await importInput(request) }),
    reply({ importStyle }) {
      const style = accepted(importStyle.hairstyle, importStyle.errors);
      return { body: { data: { ...shown(style), preview: style.preview }, message: '', error: false }, headers: { ...importStyle.replayed && { 'idempotency-replayed': 'true' } } };
    },
  }),
  route({
    method: 'DELETE', path: '/api/v1/styles/:id', summary: 'Deletes an imported style for good.', dialect: catalogueDialect, operation: DeleteStyle,
    variables: ({ params }) => ({ id: params['id'] ?? '' }),
    reply({ deleteStyle }) {
      accepted(deleteStyle.hairstyle, deleteStyle.errors);
      return { body: { data: null, message: 'Hairstyle deleted', error: false } };
    },
  }),
];
