import assert from 'node:assert/strict';
import { until } from './database.ts';
import { photographLook } from './look.ts';
import { nobody, portrait } from './photos.ts';
import type { createTestClient } from './platform.ts';
import { addClient, addPhoto, type TestSalon } from './salon.ts';

type Server = Pick<ReturnType<typeof createTestClient>, 'rest' | 'send' | 'gql' | 'upload' | 'generate' | 'ended'>;
type Salon = Pick<TestSalon, 'key' | 'at'>;
type Count = { rows: number; files: number };
export type Receipt = { success: boolean; data: { id: string; client_id: string; status: string; completed_at: string | null; removed: Record<string, Count> }; message: string };
/** A person of whom every subgraph keeps something. */
export type Advised = {
  id: string;
  /** A generation that may be under way. */
  open: string;
  /** What her files are named by, and what is in them. Another client's photo may have the same contents as one of hers. */
  names: string[];
  contents: Uint8Array[];
  /** What is kept of her in each subgraph, if the open generation had made that many pictures. */
  kept(made: number): Record<'enterprise' | 'hairstyle' | 'headshot' | 'skinshade', Count>;
};

export const person = { email: 'Wilhelmina.Quist@example.org', name: 'Wilhelmina Quist', phone_number: '+46 70 555 01 99' };
/** By which she would be known. */
export const tracesOf = ({ names }: Pick<Advised, 'names'>): string[] => [person.email, 'Quist', '70 555 01 99', '+46705550199', ...names];

/** A client with photos, a reading of her skin shade, two pictures and one generation of four more that has just begun, and headshots of one of the looks. */
export async function advise(server: Server, salon: Salon, { photos = 1 } = {}): Promise<Advised> {
  const id = await addClient(server, salon, person);
  for (let index = 0; index < photos; index++) assert.equal((await addPhoto(server, salon, id, await nobody(), `me${index}.jpg`)).status, 200);
  const { body: { data: photo } } = await server.upload(salon.key, await portrait(), 'client.jpg');
  const order = { mode: 'test', image_name: 'client.jpg', client_id: id };
  const made = await server.generate(salon.key, { ...order, styles: ['817941', '462817'] });
  const { body } = await server.ended(salon.key, made);
  await readShade(server, salon, { imageId: photo.id, clientId: id });
  const { urls: headshots } = await photographLook(server, salon.key, { generation: made, email: person.email });
  const open = await server.generate(salon.key, { ...order, mode: 'live', styles: ['817941', '462817', '739205', '158634'] });
  const media = await server.rest<{ enterprise_clients_media: { file_url: string }[] }>(salon.at(`clients/${id}`), { key: salon.key });
  const urls = [...body.data.images, ...media.body.enterprise_clients_media.map(({ file_url }) => file_url), ...headshots];
  const contents = await Promise.all(urls.map(async (url) => new Uint8Array(await (await server.send(new URL(url).pathname + new URL(url).search)).arrayBuffer())));
  return {
    id, open, contents, names: [photo.url, ...urls].map((url) => new URL(url).pathname.split('/').at(-1) ?? ''),
    kept: (more) => ({
      // She herself, her photos, and what was made of her.
      enterprise: { rows: 1 + photos + 2 + more, files: photos },
      // The photo, two generations and their pictures.
      hairstyle: { rows: 1 + 2 + 2 + more, files: 1 + 2 + more },
      // A model, its selfie, and four photos of two files each.
      headshot: { rows: 1 + 1 + 4, files: 1 + 4 * 2 },
      skinshade: { rows: 1, files: 0 },
    }),
  };
}

async function readShade(server: Server, { key }: Salon, input: { imageId: string; clientId: string }): Promise<void> {
  const { detectSkinShade } = await server.gql<{ detectSkinShade: { reading: object | null; errors: object[] } }>(key, 'mutation ($input: DetectSkinShadeInput!) { detectSkinShade(input: $input) { reading { id } errors { message } } }', { input });
  assert.ok(detectSkinShade.reading, JSON.stringify(detectSkinShade.errors));
}

/** Asks for the erasure of a client; its id. */
export async function eraseOverRest(server: Pick<Server, 'rest'>, { key, at }: Salon, clientId: string): Promise<string> {
  const { status, body, headers } = await server.rest<Receipt>(at(`clients/${clientId}`), { method: 'DELETE', key });
  assert.deepEqual([status, body.success, body.message, body.data.client_id, headers.get('location')], [202, true, 'Client erasure started', clientId, at(`erasures/${body.data.id}`)]);
  return body.data.id;
}

export const completedErasure = async (server: Pick<Server, 'rest'>, { key, at }: Salon, erasureId: string): Promise<Receipt> => until(async () => {
  const { status, body } = await server.rest<Receipt>(at(`erasures/${erasureId}`), { key });
  return status === 200 && body.data.status === 'completed' && body;
}, 120_000);
