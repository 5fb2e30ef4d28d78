import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { misused, readCommand } from './support/command.ts';
import { readEventStream } from './support/event-stream.ts';

type Style = { id: number; description: string; sex: string };
type Color = { id: string; name: string };
type Envelope<Data> = { data: Data; message: string };
export type DemoOptions = {
  url: string;
  key: string;
  photo: Uint8Array;
  /** Where the pictures are saved. */
  folder: string;
  /** How many styles; 1 to 8. */
  count?: number;
  print: (line: string) => void;
  /** Shows how far it is; called for every event. */
  bar: (percent: number, stage: string) => void;
};

/** The documented workflow over HTTP: styles, colors, upload, generate, watch, save. Gives the names of the saved files. */
export async function runDemo({ url, key, photo, folder, count = 4, print, bar }: DemoOptions): Promise<string[]> {
  const call = async <Data>(path: string, init: RequestInit = {}): Promise<Data> => {
    const headers = new Headers(init.headers);
    headers.set('x-api-key', key);
    return answered<Data>(await reach(new URL(path, url), { ...init, headers }));
  };
  const styles = await call<Style[]>('/api/v1/styles');
  const colors = await call<Color[]>('/api/v1/colors');
  print(`${styles.length} styles and ${colors.length} colors.`);
  const form = new FormData();
  form.append('file', new Blob([new Uint8Array(photo)]), 'demo.jpg');
  const image = await call<{ name: string; width: number; height: number }>('/api/v1/images', { method: 'POST', body: form });
  print(`Uploaded ${image.name}, ${image.width} x ${image.height}.`);
  const wanted = chooseStyles(styles, count);
  const color = colors.find(({ name }) => name === 'Brown') ?? colors[0];
  const request = { mode: 'live', gender: 'person', styles: wanted.map(({ id }) => String(id)), hair_colour: color?.name.toLowerCase(), image_name: image.name };
  const { id } = await call<{ id: string }>('/api/v1/generation/hairstyle', { method: 'POST', body: JSON.stringify(request), headers: { 'content-type': 'application/json' } });
  print(`Started ${id}: ${wanted.map(({ description }) => description).join(', ')}, in ${color?.name}.`);
  await watch(new URL(`/api/v1/generation/${id}/events`, url), key, bar);
  const { images, status } = await call<{ images: string[]; status: string }>(`/api/v1/generation/${id}`);
  if (status !== 'completed') throw new Error(`the generation is ${status}`);
  await mkdir(folder, { recursive: true });
  return Promise.all(images.map(async (address, index) => {
    const file = join(folder, `${fileName(wanted[index]?.description ?? String(index))}.jpg`);
    await writeFile(file, new Uint8Array(await (await fetch(address)).arrayBuffer()));
    print(`Saved ${file}`);
    return file;
  }));
}

/** Asks a server that may not be there. */
async function reach(address: URL, init: RequestInit = {}): Promise<Response> {
  return fetch(address, init).catch((error: unknown) => {
    throw new Error(`Nothing answers at ${address.origin}. Start the server with npm start, or say with --url where it is.`, { cause: error });
  });
}

async function answered<Data>(response: Response): Promise<Data> {
  const { data, message } = await response.json().catch(() => {
    throw new Error(`What answers at ${new URL(response.url).origin} is no Lookgraph. Say with --url where it is.`);
  }) as Envelope<Data>;
  if (!response.ok) throw new Error(`${response.status} ${message}`);
  return data;
}

/** One of each family for as long as there are families: `Bob - disheveled` is a Bob. */
function chooseStyles(styles: readonly Style[], count: number): Style[] {
  const family = ({ description }: Style): string => description.split(' - ')[0] ?? description;
  const firsts = [...Map.groupBy(styles, family).values()].flatMap(([first]) => first ?? []);
  const suited = firsts.filter(({ sex }) => sex !== 'masculine');
  return [...suited, ...styles].slice(0, count);
}

/** Follows the events to the last one. A lost connection is taken up behind the last number that was seen. */
async function watch(address: URL, key: string, bar: DemoOptions['bar']): Promise<void> {
  let last = '';
  for (let attempt = 0; attempt < 10; attempt++) {
    const response = await fetch(address, { headers: { 'x-api-key': key, ...last !== '' && { 'last-event-id': last } } });
    for await (const { id, event, data } of readEventStream(response)) {
      last = id;
      bar(data.percent, data.image ? `picture of ${data.image.style}` : data.stage);
      if (event === 'failed') throw new Error(data.failure?.message ?? 'the generation failed');
      if (event === 'completed' || event === 'canceled') return;
    }
  }
  throw new Error('the events ended too early, ten times');
}

const fileName = (description: string): string => description.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');

/** A bar that is drawn over itself on a terminal, and a line for every ten percent elsewhere. */
function progressBar(out: NodeJS.WriteStream): DemoOptions['bar'] {
  let shown = -1;
  return (percent, stage) => {
    const text = `${'█'.repeat(Math.round(percent / 4)).padEnd(25, '░')} ${String(percent).padStart(3)} %  ${stage}`;
    if (out.isTTY) out.write(`\r\x1b[K${text}${percent === 100 ? '\n' : ''}`);
    else if (Math.floor(percent / 10) > shown) out.write(`${text}\n`);
    shown = Math.max(shown, Math.floor(percent / 10));
  };
}

const usage = `npm run demo -- [FOLDER] [--url http://localhost:4000] [--key KEY] [--photo FILE]
  FOLDER   where the pictures are saved; else demo-output
  --url    where the server is; else as DATA_DIR/demo.json says, which it writes when it starts
  --key    an API key; else the one in DATA_DIR/demo.json
  --photo  a picture of one face; else the one that the server has for this`;

async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const { positionals, values } = readCommand({ usage, options: { url: text, photo: text, key: text } });
  const isAddress = (word: string): boolean => /^https?:/i.test(word);
  const [folder = 'demo-output', ...more] = positionals.filter((word) => !isAddress(word));
  if (more.length > 0) misused('One folder is enough.', usage);
  const file = join(process.env['DATA_DIR'] ?? '.data', 'demo.json');
  const demo = JSON.parse(await readFile(file, 'utf8').catch(() => '{}')) as { personalKey?: string; photo?: string };
  const url = values.url ?? positionals.find(isAddress) ?? process.env['LOOKGRAPH_URL'] ?? (demo.photo && new URL(demo.photo).origin) ?? `http://localhost:${process.env['PORT'] ?? 4000}`;
  if (!URL.canParse(url) || !isAddress(url)) misused(`${url} is no http or https address.`, usage);
  const key = values.key ?? demo.personalKey;
  if (!key) throw new Error(`There is no key: start the server with npm start (it writes ${file}), or give --key.`);
  const photo = values.photo ? await readPhoto(values.photo) : demo.photo && new Uint8Array(await (await reach(new URL(demo.photo))).arrayBuffer());
  if (!photo) throw new Error('There is no photo: give --photo FILE.');
  await runDemo({ url, key, photo, folder, print: (line) => process.stdout.write(`${line}\n`), bar: progressBar(process.stdout) });
}

async function readPhoto(file: string): Promise<Uint8Array> {
  return readFile(file).catch(() => {
    throw new Error(`The photo ${file} cannot be read.`);
  });
}

if (import.meta.main) {
  await main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
}
