import * as fc from 'fast-check';

/** A body that says that it is a form, and how. */
export type Form = { type: string; body: Buffer };

const line = '\r\n';
const part = (headers: string, content: string | Buffer): Buffer => Buffer.concat([Buffer.from(`--b${line}${headers}${line}${line}`, 'latin1'), Buffer.from(content as string), Buffer.from(line)]);
const end = Buffer.from(`--b--${line}`);
const file = (name = 'a.jpg', field = 'file'): string => `content-disposition: form-data; name="${field}"; filename="${name}"${line}content-type: image/jpeg`;
const field = (name: string): string => `content-disposition: form-data; name="${name}"`;
const type = 'multipart/form-data; boundary=b';
const form = (...parts: Buffer[]): Form => ({ type, body: Buffer.concat([...parts, end]) });
const many = (count: number, make: (at: number) => Buffer): Buffer => Buffer.concat(Array.from({ length: count }, (_, at) => make(at)));

const fixed: readonly Form[] = [
  { type: 'multipart/form-data', body: end }, { type: 'multipart/form-data; boundary=', body: end }, { type: 'multipart/form-data; boundary=""', body: end }, { type: 'multipart/mixed; boundary=b', body: end }, { type: `multipart/form-data; boundary=${'x'.repeat(500)}`, body: end },
  { type: 'multipart/form-data; boundary=b; boundary=c', body: Buffer.concat([part(file(), 'x'), end]) }, { type, body: Buffer.alloc(0) }, { type, body: Buffer.from('--b') }, { type, body: Buffer.from(`--b${line}`) }, { type, body: Buffer.from('no form at all') },
  form(), form(part(file(), '')), form(part(file('', 'file'), 'x')), form(part(file('a.jpg', '__proto__'), 'x')), form(part(field('file'), 'x')), form(part(field('__proto__'), 'x'), part(file(), 'x')), form(part('', 'x')), form(part('x', 'x')),
  form(part(`x-long: ${'y'.repeat(100_000)}${line}${file()}`, 'x')), form(part(Array.from({ length: 20_000 }, (_, at) => `x-${at}: y`).join(line), 'x')), form(part(file('a'.repeat(100_000)), 'x')), form(part(file('../../a\u0000.jpg'), 'x')),
  form(many(5000, (at) => part(field(`f${at}`), 'x')), part(file(), 'x')), form(many(5000, () => part(file(), 'x'))), form(many(25, () => part(field('a'), 'x'.repeat(10_000)))), form(part(file(), Buffer.alloc(6 * 1024 * 1024))),
  { type, body: Buffer.concat([part(file(), 'x').subarray(0, -1)]) }, { type, body: Buffer.from(`--b${line}${file()}`) }, { type, body: Buffer.from(`--b${line}${`x: y${line}`.repeat(50_000)}`) }, { type: 'application/x-www-form-urlencoded', body: Buffer.from('file=x') }, { type: '', body: Buffer.from('x') },
];

/** Forms that no browser sends, and parts of good ones. */
export const hostileForm: fc.Arbitrary<Form> = fc.oneof(
  fc.constantFrom(...fixed),
  fc.tuple(fc.constantFrom(...fixed.filter(({ body }) => body.length < 10_000)), fc.nat()).map(([given, at]) => ({ ...given, body: given.body.subarray(0, at % (given.body.length + 1)) })),
  fc.tuple(fc.string({ unit: 'binary', maxLength: 60 }), fc.uint8Array({ maxLength: 400 })).map(([name, content]) => form(part(file(name.replaceAll(/[\r\n"]/g, '')), Buffer.from(content)))),
  fc.tuple(fc.string({ maxLength: 30 }), fc.uint8Array({ maxLength: 200 })).map(([headers, content]) => ({ type, body: Buffer.concat([Buffer.from(`--b${line}${headers}${line}${line}`), Buffer.from(content), Buffer.from(`${line}--b--`)]) })),
);
