import sharp from 'sharp';
import { drawnHeic, portrait } from '../support/photos.ts';
import { mostBytes } from './bombs/bomb.ts';
import { createRandom, type Random } from './random.ts';

export type Valid = Record<'jpeg' | 'png' | 'webp' | 'heic', Uint8Array>;

/** One good photo of each accepted type, small, so that many can be sent. */
export async function validPictures(): Promise<Valid> {
  const photo = sharp(await portrait()).resize({ width: 300 });
  const [jpeg, png, webp] = await Promise.all([photo.clone().withExif({ IFD0: { Copyright: 'Salon' } }).withIccProfile('p3').jpeg({ progressive: true }).toBuffer(), photo.clone().png({ palette: true, colors: 128 }).toBuffer(), photo.clone().webp({ quality: 80 }).toBuffer()]);
  return { jpeg, png, webp, heic: drawnHeic() };
}

type Mutation = (bytes: Buffer, random: Random) => Buffer;

/** Where: mostly among what describes the picture, which stands in front. */
const place = (bytes: Buffer, random: Random): number => random.below(random.below(3) === 0 ? bytes.length : Math.min(bytes.length, 600));
const span = (bytes: Buffer, random: Random): [number, number] => {
  const from = place(bytes, random);
  return [from, Math.min(bytes.length, from + 1 + random.below(random.pick([4, 64, 4096])))];
};
const changed = (bytes: Buffer, from: number, to: number, between: Buffer): Buffer => Buffer.concat([bytes.subarray(0, from), between, bytes.subarray(to)]);
const telling = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

const mutations: readonly Mutation[] = [
  (bytes, random) => {
    const copy = Buffer.from(bytes);
    for (let left = 1 + random.below(8); left > 0; left -= 1) copy[place(bytes, random)]! ^= 1 << random.below(8);
    return copy;
  },
  (bytes, random) => {
    const copy = Buffer.from(bytes);
    for (let left = 1 + random.below(8); left > 0; left -= 1) copy[place(bytes, random)] = random.below(256);
    return copy;
  },
  (bytes, random) => {
    const copy = Buffer.concat([bytes, Buffer.alloc(4)]);
    const [at, value] = [place(bytes, random), random.pick(telling)];
    if (random.below(2) === 0) copy.writeUInt32BE(value, at);
    else copy.writeUInt32LE(value, at);
    return copy.subarray(0, bytes.length);
  },
  (bytes, random) => {
    const [from, to] = span(bytes, random);
    return changed(bytes, from, to, Buffer.alloc(to - from, random.pick([0, 0xff])));
  },
  (bytes, random) => changed(bytes, ...span(bytes, random), Buffer.alloc(0)),
  (bytes, random) => {
    const [from, to] = span(bytes, random);
    return changed(bytes, from, to, random.bytes(to - from));
  },
  (bytes, random) => {
    const [from, to] = span(bytes, random);
    return changed(bytes, from, from, Buffer.concat(Array.from({ length: 1 + random.below(20) }, () => bytes.subarray(from, to))));
  },
  (bytes, random) => {
    const [[from, to], at] = [span(bytes, random), place(bytes, random)];
    return changed(bytes, at, at, bytes.subarray(from, to));
  },
  (bytes, random) => bytes.subarray(0, random.below(bytes.length)),
];

/** The `at`th of the pictures that a seed stands for: one of the valid ones with one to three things wrong, now and then with the end of another type. */
export function mutated(valid: Valid, seed: number, at: number): { type: keyof Valid; bytes: Uint8Array } {
  const random = createRandom(seed * 1_000_003 + at);
  const type = random.pick(['jpeg', 'png', 'webp', 'heic'] as const);
  let bytes = Buffer.from(valid[type]);
  for (let left = 1 + random.below(3); left > 0 && bytes.length > 0; left -= 1) bytes = Buffer.from(random.pick(mutations)(bytes, random));
  if (random.below(25) === 0) bytes = Buffer.concat([bytes.subarray(0, random.below(bytes.length + 1)), valid[random.pick(['jpeg', 'png', 'webp', 'heic'] as const)]]);
  return { type, bytes: bytes.subarray(0, mostBytes) };
}

/** Files that are two things at once, or called what they are not. */
export async function disguised(valid: Valid): Promise<Record<string, { name: string; bytes: Uint8Array }>> {
  const text = (content: string): Buffer => Buffer.from(content, 'latin1');
  const page = text('<html><script>alert(1)</script></html>');
  const archive = text('PK\x05\x06' + '\0'.repeat(18));
  const comment = (content: Buffer): Buffer => Buffer.concat([Buffer.from([0xff, 0xfe, (content.length + 2) >> 8, (content.length + 2) & 0xff]), content]);
  const gif = await sharp({ create: { width: 300, height: 300, channels: 3, background: 'red' } }).gif().toBuffer();
  const avif = await sharp({ create: { width: 64, height: 64, channels: 3, background: 'red' } }).avif({ effort: 0 }).toBuffer();
  return {
    'a photo and an archive': { name: 'a.jpg', bytes: Buffer.concat([valid.jpeg, archive]) },
    'a photo and a page': { name: 'a.html', bytes: Buffer.concat([valid.jpeg, page]) },
    'a photo with a page in a comment': { name: 'a.jpg.html', bytes: Buffer.concat([valid.jpeg.subarray(0, 2), comment(page), valid.jpeg.subarray(2)]) },
    'a PNG and a script': { name: 'a.php', bytes: Buffer.concat([valid.png, text('<?php system($_GET[0]); ?>')]) },
    'a page and a photo': { name: 'a.jpg', bytes: Buffer.concat([page, valid.jpeg]) },
    'a document and a photo': { name: 'a.jpg', bytes: Buffer.concat([text('%PDF-1.7\n'), valid.jpeg]) },
    'a script that begins as a GIF': { name: 'a.gif', bytes: text('GIF89a/*' + '\0'.repeat(64) + '*/=1;alert(1)') },
    'a GIF and a photo': { name: 'a.jpg', bytes: Buffer.concat([gif, valid.jpeg]) },
    'a WebP that is called JPEG': { name: 'a.jpg', bytes: valid.webp },
    'a HEIC that is called PNG': { name: 'a.png', bytes: valid.heic },
    'a JPEG that is called a text': { name: 'a.txt', bytes: valid.jpeg },
    'a GIF that is called JPEG': { name: 'a.jpg', bytes: gif },
    'an AVIF that is called HEIC': { name: 'a.heic', bytes: avif },
    'an SVG that is called PNG': { name: 'a.png', bytes: text('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="400" height="400"><script>alert(1)</script></svg>') },
    'a text': { name: 'a.jpg', bytes: text('I am a photo') },
    'one byte': { name: 'a.jpg', bytes: Buffer.from([0xff]) },
    'no byte': { name: 'a.jpg', bytes: new Uint8Array() },
    '5 MB of zeros': { name: 'a.jpg', bytes: new Uint8Array(mostBytes) },
    'a name that leads out of its folder': { name: '../../../../etc/passwd', bytes: valid.jpeg },
    'a name of 100,000 characters': { name: `${'a'.repeat(10_000)}.jpg`, bytes: valid.jpeg },
  };
}
