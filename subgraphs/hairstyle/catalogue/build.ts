import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { colors } from '../../palette.ts';
import { renderColorPreview, renderStylePreview, type Picture } from './preview.ts';
import { mannequin } from '../../vision/strands/mannequin.ts';
import { styles } from './styles.ts';

const folder = fileURLToPath(new URL('./previews/', import.meta.url));

async function save({ width, height, rgb }: Picture, name: string, shown: { width: number; height: number; quality: number }): Promise<void> {
  const bytes = await sharp(rgb, { raw: { width, height, channels: 3 } }).resize(shown.width, shown.height, { kernel: 'lanczos3' })
    .webp({ quality: shown.quality, effort: 5 }).toBuffer();
  await writeFile(`${folder}${name}.webp`, bytes);
}

/** Draws the preview pictures of every style and color; names on the command line (ids) choose some of them. */
async function build(chosen: ReadonlySet<string>): Promise<void> {
  await mkdir(folder, { recursive: true });
  const wanted = (id: string): boolean => chosen.size === 0 || chosen.has(id);
  for (const { id, look } of styles.filter((style) => wanted(String(style.id)))) {
    await save(renderStylePreview(look, 480), String(id), { width: 384, height: 480, quality: 80 });
  }
  if (wanted('bare')) await save(mannequin(480, 600, { x: 240, y: 300, pxPerCm: 480 / 35 }), 'bare', { width: 384, height: 480, quality: 80 });
  for (const { id, hex } of colors.filter((color) => wanted(color.id))) {
    const tress = renderColorPreview(hex, 512);
    await save(tress, `${id}-full`, { width: 512, height: 512, quality: 74 });
    await save(tress, `${id}-thumb`, { width: 128, height: 128, quality: 80 });
  }
}

await build(new Set(process.argv.slice(2)));
