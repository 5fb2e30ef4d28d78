import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { photographLook } from '../support/look.ts';
import { portrait } from '../support/photos.ts';
import { startTestPlatform } from '../support/platform.ts';
import { addClient, openBusiness } from '../support/salon.ts';

const platform = await startTestPlatform({ after });
const partner = await platform.tenant({ kind: 'partner' });
const salon = await openBusiness(platform, partner.key);

type Journey = {
  enterprise: {
    client: {
      name: string;
      latestSkinShade: { hex: string; toneRange: string; undertone: string; image: { name: string }; recommendedHairColors: { fit: { score: number; reason: string }; color: { id: string; name: string; hex: string; previewImages: { full: string } } }[] };
      generations: { nodes: { progress: { status: string }; hairColor: { id: string; suits: { score: number; reason: string } }; images: { id: string; url: string; style: { description: string }; headshots: { id: string }[] }[] }[] };
      headshots: { nodes: { id: string; status: string; startedFrom: { id: string }; photos: { nodes: { urls: { main: string } }[] } }[] };
    };
  };
};

async function assertJpeg(url: string): Promise<void> {
  const { pathname, search } = new URL(url);
  const picture = await platform.send(pathname + search);
  assert.deepEqual([picture.status, picture.headers.get('content-type')], [200, 'image/jpeg']);
  await picture.arrayBuffer();
}

test('client, shade, recommended colors, looks and headshots in one query over all four subgraphs', async () => {
  const client = await addClient(platform, salon, { email: 'jane@example.com', name: 'Jane Smith' });
  const imageId = (await platform.upload(salon.key, await portrait(), 'jane.jpg')).body.data.id;
  const { detectSkinShade } = await platform.gql<{ detectSkinShade: { reading: { hex: string; recommendedHairColors: { color: { name: string } }[] } } }>(salon.key, `mutation ($input: DetectSkinShadeInput!) {
    detectSkinShade(input: $input) { reading { hex recommendedHairColors(first: 1) { color { name } } } errors { message } } }`, { input: { imageId, clientId: client } });
  const { hex, recommendedHairColors: [best] } = detectSkinShade.reading;
  assert.ok(best);
  const job = await platform.generate(salon.key, { mode: 'test', styles: ['817941'], image_name: 'jane.jpg', hair_colour: best.color.name, client_id: client });
  await platform.ended(salon.key, job);
  const { lookId, modelId } = await photographLook(platform, salon.key, { generation: job, email: 'jane@example.com' });

  const { enterprise } = await platform.gql<Journey>(salon.key, `query Journey($slug: String!, $client: ID!, $shade: HexColor!) {
    enterprise(slug: $slug) { client(id: $client) {
      name
      latestSkinShade { hex toneRange undertone image { name } recommendedHairColors(first: 3) { fit { score reason } color { id name hex previewImages { full } } } }
      generations { nodes { progress { status } hairColor { id suits(skinShade: $shade) { score reason } } images { id url style { description } headshots { id } } } }
      headshots { nodes { id status startedFrom { id } photos { nodes { urls { main } } } } }
    } } }`, { slug: salon.slug, client, shade: hex });
  const { name, latestSkinShade: shade, generations: { nodes: [look] }, headshots: { nodes: [headshot] } } = enterprise.client;
  assert.deepEqual([name, shade.hex, shade.image.name, shade.recommendedHairColors.length], ['Jane Smith', hex, 'jane.jpg', 3]);
  assert.ok(shade.recommendedHairColors.every(({ fit, color }, index) => fit.reason !== '' && color.name !== '' && fit.score <= (shade.recommendedHairColors[index - 1]?.fit.score ?? 1)));
  const [first] = shade.recommendedHairColors;
  assert.deepEqual([look?.progress.status, look?.hairColor.id, look?.hairColor.suits, look?.images[0]?.style.description], ['COMPLETED', first?.color.id, first?.fit, 'Bob - disheveled']);
  assert.deepEqual([look?.images[0]?.id, look?.images[0]?.headshots, headshot?.id, headshot?.status, headshot?.startedFrom.id], [lookId, [{ id: modelId }], modelId, 'ACTIVE', lookId]);
  assert.equal(headshot?.photos.nodes.length, 4);
  for (const url of [look?.images[0]?.url ?? '', headshot?.photos.nodes[0]?.urls.main ?? '']) await assertJpeg(url);
});
