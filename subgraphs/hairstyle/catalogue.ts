import { join } from 'node:path';
import type { HairSex } from '../../schema/types/hairstyle.ts';
import { versionOf } from '../assets.ts';
import { type CountedPage, pageOfList, pageRequest } from '../paging.ts';
import type { Look } from '../vision/looks/look.ts';
import { colors } from '../palette.ts';
import { styles } from './catalogue/styles.ts';
import { suitsSex } from './rules.ts';

/** A hairstyle of the catalogue. `look` is what the engine grows it from. */
export type Style = { id: string; description: string; sex: HairSex; tags: readonly string[]; look: Look };
/** A hair color of the catalogue. `hex` in lower case. */
export type Color = { id: string; name: string; description: string; hex: string; family: string };
export type StyleFilter = { sex?: HairSex | null; tag?: string | null; search?: string | null; isPrivate?: boolean | null };
export type ColorFilter = { family?: string | null; search?: string | null };
/** What a list of styles shows: those of the catalogue, and what accounts imported. */
export type Listed = Omit<Style, 'look'>;
type Paging = { first: number; after?: string | null };

const previews = join(import.meta.dirname, 'catalogue/previews');
const sexes = { feminine: 'FEMININE', masculine: 'MASCULINE', unisex: 'UNISEX' } as const satisfies Record<(typeof styles)[number]['sex'], HairSex>;

export type Catalogue = ReturnType<typeof createCatalogue>;

/** The styles and colors that ship with the program, in memory. `publicUrl` is asked at every use. */
export function createCatalogue(publicUrl: () => string) {
  const stylesById = new Map<string, Style>(styles.map((style) => [String(style.id), { ...style, id: String(style.id), sex: sexes[style.sex] }]));
  const colorsById = new Map<string, Color>(colors.map((color) => [color.id, { ...color }]));
  const palette: readonly Color[] = [...colorsById.values()];
  const stylesInOrder: readonly Style[] = [...stylesById.values()].sort(byDescription);
  // Caches keep a picture for a year; a picture that changes gets another address.
  const address = (file: string): string => `${publicUrl()}/catalogue/${file}?v=${versionOf(join(previews, file))}`;
  return {
    colors: palette,
    findStyle: (id: string): Style | null => stylesById.get(id) ?? null,
    findColor: (id: string): Color | null => colorsById.get(id) ?? null,
    getStyle: (id: string): Style => known(stylesById.get(id), id),
    getColor: (id: string): Color => known(colorsById.get(id), id),
    /** By description, with the account's `own` in between. */
    listStyles<Own extends Listed = never>(filter: StyleFilter, paging: Paging, own: readonly Own[] = []): CountedPage<Style | Own> {
      const shown: (Style | Own)[] = [...(filter.isPrivate === true ? [] : stylesInOrder), ...(filter.isPrivate === false ? [] : own)];
      const inOrder = own.length === 0 ? shown : shown.sort(byDescription);
      return pageOfList(inOrder.filter((style) => matchesStyle(style, filter)), pageRequest(paging, 50), ({ id }) => id);
    },
    listColors: (filter: ColorFilter): Color[] => palette.filter((color) => matchesColor(color, filter)),
    stylePreview: ({ id }: Listed): string => address(`${id}.webp`),
    /** A neutral head without hair. */
    barePreview: (): string => address('bare.webp'),
    colorPreviews: ({ id }: Color) => ({ thumbnail: address(`${id}-thumb.webp`), full: address(`${id}-full.webp`) }),
  };
}

/** A stored generation names only what was in the catalogue then, and entries are never taken out of it. */
function known<Entry>(entry: Entry | undefined, id: string): Entry {
  if (!entry) throw new Error(`the catalogue has lost ${id}`);
  return entry;
}

const byDescription = (a: Listed, b: Listed): number => (a.description === b.description ? (a.id < b.id ? -1 : 1) : a.description < b.description ? -1 : 1);

function matchesStyle({ sex, tags, description }: Listed, filter: StyleFilter): boolean {
  return (!filter.sex || suitsSex(sex, filter.sex)) && (!filter.tag || tags.includes(filter.tag.toLowerCase())) && hasWords([description, ...tags], filter.search);
}

function matchesColor({ family, name, description }: Color, filter: ColorFilter): boolean {
  return (!filter.family || family === filter.family.toLowerCase()) && hasWords([name, description], filter.search);
}

/** Whether every word of `search` begins a word of the texts. */
function hasWords(texts: readonly string[], search: string | null | undefined): boolean {
  const words = (text: string): string[] => text.toLowerCase().split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  const present = texts.flatMap(words);
  return words(search ?? '').every((wanted) => present.some((word) => word.startsWith(wanted)));
}
