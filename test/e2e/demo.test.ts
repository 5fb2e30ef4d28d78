import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import sharp from 'sharp';
import { runDemo } from '../demo.ts';
import { portrait } from '../support/photos.ts';
import { startTestPlatform } from '../support/platform.ts';

const platform = await startTestPlatform({ after });

test('the documented workflow: styles, colors, upload, generate, watch, save', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'demo-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const { key } = await platform.tenant();
  const lines: string[] = [];
  const percents: number[] = [];
  const files = await runDemo({ url: platform.url, key, photo: await portrait(), folder, print: (line) => void lines.push(line), bar: (percent) => void percents.push(percent) });
  assert.equal(files.length, 4);
  const pictures = await Promise.all(files.map((file) => sharp(file).stats()));
  assert.equal(new Set(pictures.map(({ channels }) => JSON.stringify(channels.map(({ mean }) => mean)))).size, 4, 'four different pictures');
  assert.equal(percents.at(-1), 100);
  assert.match(lines.join('\n'), /styles and \d+ colors\.\nUploaded demo\.jpg, 480 x 620\.\nStarted job_/);
});
