import assert from 'node:assert/strict';
import { until } from './database.ts';
import type { createTestClient } from './platform.ts';

type Client = Pick<ReturnType<typeof createTestClient>, 'gql'>;
type Order = { generation: string; email: string };
type Seen = { headshotModel: { status: string; photos: { nodes: { urls: { main: string; thumbnail: string } }[] } } };

/** Makes headshots of the first picture of a finished generation, and waits until they are there. */
export async function photographLook({ gql }: Client, key: string, { generation, email }: Order): Promise<{ lookId: string; modelId: string; urls: string[] }> {
  const { hairstyleGeneration: { images: [look] } } = await gql<{ hairstyleGeneration: { images: { id: string }[] } }>(key, 'query ($id: ID!) { hairstyleGeneration(id: $id) { images { id } } }', { id: generation });
  assert.ok(look, 'no picture');
  const begin = 'mutation ($email: EmailAddress!, $look: ID!) { createHeadshotModel(email: $email, fromGenerationImageId: $look, isDevelopment: true) { model { id } errors { message } } }';
  const { createHeadshotModel: { model, errors } } = await gql<{ createHeadshotModel: { model: { id: string } | null; errors: object[] } }>(key, begin, { email, look: look.id });
  assert.ok(model, JSON.stringify(errors));
  const urls = await until(async () => {
    const { headshotModel: { status, photos } } = await gql<Seen>(key, 'query ($id: ID!) { headshotModel(id: $id) { status photos { nodes { urls { main thumbnail } } } } }', { id: model.id });
    assert.notEqual(status, 'FAILED');
    return status === 'ACTIVE' && photos.nodes.flatMap(({ urls: { main, thumbnail } }) => [main, thumbnail]);
  }, 120_000);
  return { lookId: look.id, modelId: model.id, urls };
}
