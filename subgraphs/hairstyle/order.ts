import assert from 'node:assert/strict';
import type { Platform } from '../platform.ts';
import type { Catalogue } from './catalogue.ts';
import type { RenderOrder, Wanted } from './render.ts';
import type { GenerationRow, Store } from './store.ts';
import type { Styles } from './style.ts';

type Parts = { platform: Platform; store: Store; catalogue: Catalogue; styles: Styles };

/** What is left to draw of a generation, and who draws it; `present`: positions whose pictures are there. Throws StyleGone. */
export async function orderOf(parts: Parts, generation: GenerationRow, present: ReadonlySet<number>): Promise<RenderOrder> {
  const { platform, store, catalogue } = parts;
  const [source] = await store.findImages(generation.accountId, [generation.sourceId]);
  assert(source, 'a source is kept as long as its generations');
  const photo = await platform.blobs.read(source.blobKey);
  if (!photo) throw new Error(`the file of ${source.id} is gone`);
  const wanted = [...generation.styleIds.entries()].filter(([position]) => !present.has(position));
  return {
    photo, photoKey: source.blobKey.slice(0, 64), seed: generation.seed, forceNewHairline: generation.forceNewHairline,
    color: generation.colorId === null ? null : catalogue.getColor(generation.colorId), mode: generation.mode === 'TEST' ? 'test' : 'live',
    looks: await Promise.all(wanted.map(async ([position, styleId]) => wantedOf(parts, generation, position, styleId))),
  };
}

/** Hair of a portrait is put on by the embedded engine: words do not say what it looks like. */
async function wantedOf({ platform, catalogue, styles }: Parts, { accountId, colorId, gender }: GenerationRow, position: number, styleId: string): Promise<Wanted> {
  const style = catalogue.findStyle(styleId);
  const color = colorId === null ? null : catalogue.getColor(colorId).name;
  const words = { description: style?.description ?? '', tags: style?.tags ?? [], color, gender: genderWords[gender] };
  if (!style) return { position, words, look: await styles.open(accountId, styleId), engine: platform.vision };
  return { position, words, look: style.look, engine: await platform.engines.engineFor(accountId, styleId) };
}

const genderWords = { FEMININE: 'woman', MASCULINE: 'man', UNISEX: 'person' } as const;
