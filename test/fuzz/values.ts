import * as fc from 'fast-check';
import { z } from 'zod';

/** Texts that something somewhere takes for something else. */
const strange = [
  '', ' ', '\u0000', 'a\u0000b', '\ud800', '\udfff\ud800', '\ufeff', '\u202e', 'İ', 'ß', '👩‍👩‍👧', 'null', 'undefined', '__proto__', 'constructor', 'toString', '-1', '0', '1e999', 'NaN', "'; drop table account; --", '%', '_', '\\', '{{7*7}}', '${7*7}',
  '../../etc/passwd', 'http://127.0.0.1:1/x.jpg', 'http://[::1]/', 'http://u:p@10.0.0.1/', 'file:///etc/passwd', 'javascript:alert(1)', 'http://', 'http://a..b/', 'a@b.cd', 'a@b.cd\r\nbcc: c@d.ef', '+12025550101', '2025-01-15T00:00:00Z', '9999-12-31T23:59:59Z', '+275760-09-13T00:00:00Z', '0000-01-01T00:00:00Z',
  'job_01ARZ3NDEKTSV4RRFFQ69G5FAV', '00000000-0000-4000-8000-000000000000', '817941', 'brown', 'live', 'person', 'salon', 'a'.repeat(10_000), '\u0001'.repeat(300),
];
const text = fc.oneof(fc.constantFrom(...strange), fc.string({ unit: 'binary', maxLength: 40 }), fc.string({ maxLength: 300 }));
const number = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(0, -0, 1, -1, 2 ** 31, 2 ** 53, 2 ** 53 + 2, -(2 ** 63), 1e308, 1e-320, 0.1));

/** Any JSON, with keys that objects have already. */
export const anything = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof({ depthSize: 'small', withCrossShrink: true }, fc.constantFrom(null, true, false), number, text, fc.array(tie('value'), { maxLength: 4 }), fc.dictionary(fc.oneof(fc.constantFrom('__proto__', 'constructor', 'prototype', 'length', 'id', 'toJSON'), fc.string({ maxLength: 8 })), tie('value'), { maxKeys: 4 })),
})).value;

type JsonSchema = { type?: string; enum?: unknown[]; const?: unknown; anyOf?: JsonSchema[]; oneOf?: JsonSchema[]; items?: JsonSchema; properties?: Record<string, JsonSchema>; format?: string; pattern?: string; maxLength?: number };

/** Values that a shape mostly takes. */
export function fitting(shape: z.ZodType): fc.Arbitrary<unknown> {
  return fromSchema(z.toJSONSchema(shape, { io: 'input', unrepresentable: 'any' }) as JsonSchema);
}

function fromSchema(schema: JsonSchema): fc.Arbitrary<unknown> {
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return fc.oneof(...choices.map(fromSchema));
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if ('const' in schema) return fc.constant(schema.const);
  if (schema.type === 'object') return fc.record(Object.fromEntries(Object.entries(schema.properties ?? {}).map(([name, field]) => [name, fromSchema(field)])), { requiredKeys: [] });
  if (schema.type === 'array') return fc.array(fromSchema(schema.items ?? {}), { maxLength: 12 });
  if (schema.type === 'integer' || schema.type === 'number') return number;
  if (schema.type === 'boolean') return fc.boolean();
  if (schema.type === 'null') return fc.constant(null);
  if (schema.type !== 'string') return anything;
  if (schema.format === 'date-time') return fc.oneof(fc.date({ noInvalidDate: true }).map((date) => date.toISOString()), text);
  return schema.pattern?.includes('@') ? fc.oneof(fc.emailAddress(), text) : text;
}

/** The same with fields that the shape does not have, or of another kind. */
export function nearly(fits: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 4, arbitrary: fits },
    { weight: 4, arbitrary: fc.tuple(fits, fc.nat(), anything).map(([value, at, other]) => withOther(value, at, other)) },
    { weight: 1, arbitrary: fc.tuple(fits, fc.constantFrom('__proto__', 'constructor', 'x'), anything).map(([value, name, other]) => (isObject(value) ? Object.defineProperty({ ...value }, name, { value: other, enumerable: true }) : value)) },
    { weight: 1, arbitrary: anything },
  );
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

function withOther(value: unknown, at: number, other: unknown): unknown {
  if (!isObject(value)) return other;
  const names = Object.keys(value);
  return { ...value, [names[at % Math.max(1, names.length)] ?? 'x']: other };
}

const nested = (depth: number, open: string, close: string): string => open.repeat(depth) + close.repeat(depth);

/** Texts that are JSON in doubt only. `fits` as text stands among them, with something done to it. */
export function hostileText(fits: fc.Arbitrary<unknown>): fc.Arbitrary<string> {
  const written = fits.map((value) => JSON.stringify(value) ?? 'null');
  return fc.oneof(
    fc.constantFrom('', ' ', '\ufeff{}', '{', '[', '{"a":', '{"a":1}}', 'NaN', '1e999', '-0', '{"a":1e999}', `{"a":${'9'.repeat(5000)}}`, '{"a":"\\ud800"}', '{"\\ud800":1}', '{"__proto__":{"isAdmin":true}}', '{"constructor":{"prototype":{"x":1}}}', '{"a":1,"a":2}', "{'a':1}", '{"a":1,}', '"text"', 'null', 'true', '[]', '[[]]', '\u0000', '{"a":"\u0001"}'),
    fc.integer({ min: 1, max: 100_000 }).map((depth) => nested(depth, '[', ']')),
    fc.integer({ min: 1, max: 20_000 }).map((depth) => nested(depth, '{"a":', '}').replace('}', '1}')),
    fc.integer({ min: 1, max: 1200 }).map((kilobytes) => `{"name":"${'a'.repeat(kilobytes * 1024)}"}`),
    fc.integer({ min: 1, max: 50_000 }).map((count) => `{${Array.from({ length: count }, (_, at) => `"k${at % 7}":1`).join(',')}}`),
    fc.tuple(written, fc.nat()).map(([json, at]) => json.slice(0, at % (json.length + 1))),
    fc.tuple(written, fc.nat(), fc.string({ maxLength: 3 })).map(([json, at, more]) => json.slice(0, at % (json.length + 1)) + more + json.slice(at % (json.length + 1))),
    fc.tuple(written, written).map(([one, other]) => (one.startsWith('{"') && other.startsWith('{"') ? `${one.slice(0, -1)},${other.slice(1)}` : one + other)),
  );
}
