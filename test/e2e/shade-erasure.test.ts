import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { smallPortrait } from '../support/photos.ts';
import { startTestPlatform } from '../support/platform.ts';
import { addClient, openBusiness } from '../support/salon.ts';
import { until } from '../support/database.ts';
import { filesOf, findInDatabase } from '../support/traces.ts';

const platform = await startTestPlatform({ after });
const partner = await platform.tenant({ kind: 'partner' });
const salon = await openBusiness(platform, partner.key);
type Receipt = { data: { id: string; status: string; removed: Record<string, { rows: number; files: number }> } };

const upload = async (name: string): Promise<string> => (await platform.upload(salon.key, await smallPortrait(300), name)).body.data.id;
async function read(imageId: string, clientId: string | null): Promise<string> {
  const { detectSkinShade } = await platform.gql<{ detectSkinShade: { reading: { id: string } | null } }>(salon.key, 'mutation ($input: DetectSkinShadeInput!) { detectSkinShade(input: $input) { reading { id } } }', { input: { imageId, clientId } });
  assert.ok(detectSkinShade.reading);
  return detectSkinShade.reading.id;
}
async function erase(client: string): Promise<Receipt['data']> {
  const { body } = await platform.rest<Receipt>(salon.at(`clients/${client}`), { method: 'DELETE', key: salon.key });
  return until(async () => {
    const { body: receipt } = await platform.rest<Receipt>(salon.at(`erasures/${body.data.id}`), { key: salon.key });
    return receipt.data.status === 'completed' && receipt.data;
  });
}
const present = async (readings: Record<string, string>): Promise<string[]> => {
  const found = await Promise.all(Object.entries(readings).map(async ([name, id]) => [name, (await platform.gql<{ skinShadeReading: object | null }>(salon.key, `{ skinShadeReading(id: "${id}") { hex } }`)).skinShadeReading !== null] as const));
  return found.filter(([, isThere]) => isThere).map(([name]) => name);
};

test("a client's readings and the photos that were read for it alone are erased, with those made for nobody; others stay", async () => {
  const [one, two] = [await addClient(platform, salon, { email: 'one@example.com' }), await addClient(platform, salon, { email: 'two@example.com' })];
  const [own, shared, drawn, free] = [await upload('own.jpg'), await upload('shared.jpg'), await upload('drawn.jpg'), await upload('free.jpg')];
  await platform.ended(salon.key, await platform.generate(salon.key, { mode: 'test', styles: ['817941'], image_name: 'drawn.jpg', client_id: one }));
  const readings = {
    own: await read(own, one), ownForNobody: await read(own, null), shared: await read(shared, one), sharedOfTwo: await read(shared, two),
    drawnForNobody: await read(drawn, null), free: await read(free, null),
  };
  const before = filesOf(platform.dataDir).filter((file) => file.includes('original')).length;
  const { removed } = await erase(one);
  // Photos: own and drawn, and the picture that was made of the latter.
  assert.deepEqual([removed['hairstyle'], removed['skinshade']], [{ rows: 4, files: 3 }, { rows: 4, files: 0 }]);
  assert.deepEqual(await present(readings), ['sharedOfTwo', 'free']);
  assert.equal(filesOf(platform.dataDir).filter((file) => file.includes('original')).length, before - 3);
  assert.deepEqual(await findInDatabase(platform.platform.connection, [own, drawn]), []);
  const { body } = await platform.rest('/graphql', { key: salon.key, json: { query: `{ a: sourceImage(id: "${own}") { id } b: sourceImage(id: "${shared}") { skinShade { id } } c: sourceImage(id: "${drawn}") { id } }` } });
  assert.deepEqual(body['data'], { a: null, b: { skinShade: { id: readings.sharedOfTwo } }, c: null });

  assert.deepEqual((await erase(two)).removed['skinshade'], { rows: 1, files: 0 });
  assert.deepEqual(await present(readings), ['free']);
  assert.deepEqual((await platform.gql<{ sourceImage: object | null }>(salon.key, `{ sourceImage(id: "${shared}") { id } }`)).sourceImage, null);
});
