import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import sharp from 'sharp';
import { runDemo } from '../demo.ts';
import { browser, openPage } from '../support/browser.ts';
import { until } from '../support/database.ts';
import { portrait } from '../support/photos.ts';
import { freePort } from '../support/process.ts';
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

type Ended = { code: number; stdout: string; stderr: string };
const demo = (folder: string, args: readonly string[], env: Record<string, string> = {}): Promise<Ended> => new Promise((resolve) => {
  const { NODE_TEST_CONTEXT: _, ...inherited } = process.env;
  execFile(process.execPath, [join(import.meta.dirname, '../demo.ts'), ...args], { cwd: folder, env: { ...inherited, DATA_DIR: folder, ...env } }, (error, stdout, stderr) =>
    resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr }));
});

test('the command finds the server that demo.json names, whatever PORT says', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'demo-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const { key } = await platform.tenant();
  await writeFile(join(folder, 'demo.json'), JSON.stringify({ personalKey: key, photo: `${platform.url}/demo/portrait.jpg` }));
  const { code, stdout, stderr } = await demo(folder, ['pictures'], { PORT: String(await freePort()) });
  assert.deepEqual([code, stderr], [0, '']);
  assert.match(stdout, /100 % {2}done\nSaved pictures\//);
  assert.equal((await readdir(join(folder, 'pictures'))).length, 4);
});

test('the command says where nothing answers and what to do, and how it is called', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'demo-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  assert.match((await demo(folder, [])).stderr, /^There is no key: start the server with npm start \(it writes \S+demo\.json\), or give --key\.\n$/);
  const port = await freePort();
  const nothing = { code: 1, stdout: '', stderr: `Nothing answers at http://localhost:${port}. Start the server with npm start, or say with --url where it is.\n` };
  await writeFile(join(folder, 'demo.json'), JSON.stringify({ personalKey: 'ak_none', photo: `http://localhost:${port}/demo/portrait.jpg` }));
  assert.deepEqual(await demo(folder, []), nothing);
  const photo = join(folder, 'photo.jpg');
  await writeFile(photo, 'no photo');
  // An address is an address, and no folder.
  for (const args of [[`http://localhost:${port}`, '--photo', photo], ['--url', `http://localhost:${port}`, '--photo', photo]]) assert.deepEqual(await demo(folder, args), nothing);
  assert.deepEqual((await readdir(folder)).sort(), ['demo.json', 'photo.jpg']);
  const help = await demo(folder, ['--help']);
  assert.deepEqual([help.code, help.stderr], [0, '']);
  assert.match(help.stdout, /^npm run demo -- \[FOLDER\]/);
  for (const [args, said] of [[['--folder', 'x'], "Unknown option '--folder'."], [['one', 'two'], 'One folder is enough.'], [['--url', 'localhost'], 'localhost is no http or https address.']] as const) {
    const { code, stderr } = await demo(folder, args);
    assert.equal(code, 1);
    assert.equal(stderr, `${said}\n${help.stdout}`);
  }
  assert.deepEqual(await demo(folder, ['--photo', 'none.jpg']), { code: 1, stdout: '', stderr: 'The photo none.jpg cannot be read.\n' });
});

test('the page at / in a browser: styles are chosen, the photo is sent, and the pictures come; a wrong key is said', { skip: browser === null && 'no browser is on this machine' }, async (t) => {
  const { key } = await platform.tenant();
  await writeFile(join(platform.dataDir, 'demo.json'), JSON.stringify({ personalKey: key, photo: `${platform.url}/demo/portrait.jpg` }));
  const page = await openPage(t);
  await page.open(`${platform.platform.env.publicUrl}/`);
  const chosen = 'document.querySelectorAll("#styles button[aria-pressed=true]").length';
  await until(async () => (await page.value<number>(chosen)) === 4);
  assert.ok((await page.value<number>('document.querySelectorAll("#color option").length')) > 10, 'the colors of the graph');
  const status = async () => page.value<string>('document.getElementById("status").textContent');
  // One may be taken back, and there is room for eight.
  await page.value('document.querySelector("#styles button").click()');
  assert.deepEqual([await page.value(chosen), await status()], [3, 'Choose styles and generate.']);
  await page.value('[...document.querySelectorAll("#styles button[aria-pressed=false]")].slice(0, 6).forEach((button) => button.click())');
  assert.deepEqual([await page.value(chosen), await status()], [8, 'Choose at most 8 styles.']);
  await page.value('[...document.querySelectorAll("#styles button[aria-pressed=true]")].slice(0, 6).forEach((button) => button.click())');

  const pressed = async (said: string) => {
    await page.value('document.getElementById("go").click()');
    await until(async () => (await status()) === said && !(await page.value<boolean>('document.getElementById("go").disabled')));
  };
  await pressed('All pictures are ready.');
  const pictures = 'Promise.all([...document.querySelectorAll("#results img")].map(async (image) => (await image.decode(), image.naturalWidth > 100)))';
  assert.deepEqual([await page.value(pictures), await page.value('document.querySelector(".bar").getAttribute("aria-valuenow")')], [[true, true], '100']);
  assert.deepEqual(page.complaints, []);

  await page.value('document.getElementById("key").value = "ak_wrong"');
  await pressed('Invalid API key');
  assert.deepEqual(await page.value('document.querySelectorAll("#results figure").length'), 0, 'no frame is left empty');
});
