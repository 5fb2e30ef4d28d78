import type { Verdict } from './projection.ts';
import type { Content, FieldShape, ObjectShape } from './shape.ts';

/**
 * The same projection as projection.ts makes, as the bytes of `{"data":…}` and a newline. Null when the data does not fit the schema. `isPlain`: every
 * string is ASCII without anything that JSON escapes, so that nobody has to look.
 */
export type ByteProjection = (data: object, isPlain: boolean) => Buffer | null;

/**
 * Writes one function per object type that puts JSON straight into bytes, without the objects and strings between: where many answers are
 * under way at once, what a copying garbage collector has to carry along costs as much as the work itself. An object whose shape is in `shared` is written
 * once and copied to its other places. Names come from a validated document.
 */
export function generateByteProjection(root: ObjectShape, shared: ReadonlySet<ObjectShape>): ByteProjection {
  const writer = new FunctionWriter(shared);
  const entry = writer.object(root);
  const source = `'use strict';\nlet b, p, m, plain;\n${runtime}\n${writer.functions.join('\n')}
    return (o, s, isPlain) => { plain = isPlain; b = scratch.bytes; p = 0; m = []; ${constant('{"data":')} ${entry}(o, s); room(2); ${constant('}\n')} m = undefined; return p; };`;
  // oxlint-disable-next-line typescript/no-implied-eval -- the whole point of this file
  const project = new Function('sets', 'scratch', source)(writer.sets, scratch) as (data: object, verdict: Verdict, isPlain: boolean) => number;
  return (data, isPlain) => {
    const verdict = { violated: false };
    const length = project(data, verdict, isPlain);
    return verdict.violated ? null : Buffer.from(scratch.bytes.subarray(0, length));
  };
}

/** One for all: an answer is written in one go and then copied out. */
const scratch = { bytes: Buffer.allocUnsafeSlow(128 * 1024) };

/**
 * Text is taken as it is when it is plain ASCII without anything to escape, short text character by character, for which a call out of the engine takes
 * longer. Everything else goes through JSON.stringify.
 */
const runtime = `
  const odd = /[^\\x20\\x21\\x23-\\x5b\\x5d-\\x7e]/;
  function room(n) {
    if (p + n <= b.length) return;
    const more = Buffer.allocUnsafeSlow(Math.max(b.length * 2, p + n));
    b.copy(more, 0, 0, p);
    scratch.bytes = b = more;
  }
  function json(v) {
    const t = JSON.stringify(v) ?? 'null';
    room(t.length * 3);
    p += b.utf8Write(t, p);
  }
  function leaf(v) {
    if (typeof v === 'string') {
      const n = v.length;
      if (n > 40) {
        if (!plain && odd.test(v)) return json(v);
        room(n + 2);
        b[p++] = 34;
        b.latin1Write(v, p);
        p += n;
        b[p++] = 34;
        return;
      }
      room(n + 2);
      let q = p;
      b[q++] = 34;
      for (let i = 0; i < n; i++) {
        const c = v.charCodeAt(i);
        if (c < 32 || c > 126 || c === 34 || c === 92) return json(v);
        b[q++] = c;
      }
      b[q++] = 34;
      p = q;
      return;
    }
    if (typeof v === 'number' && v === v && v !== Infinity && v !== -Infinity) {
      const t = '' + v, n = t.length;
      room(n);
      for (let i = 0; i < n; i++) b[p++] = t.charCodeAt(i);
      return;
    }
    json(v);
  }`;

/** Statements that write ASCII text for which there is room. */
function constant(text: string): string {
  const bytes = [...Buffer.from(text, 'utf8')];
  return `${bytes.map((byte, index) => `b[p + ${index}] = ${byte};`).join(' ')} p += ${bytes.length};`;
}

const literal = (text: string): string => `room(${Buffer.byteLength(text)}); ${constant(text)}`;

class FunctionWriter {
  readonly functions: string[] = [];
  readonly sets: ReadonlySet<string>[] = [];
  readonly #shared: ReadonlySet<ObjectShape>;
  readonly #names = new Map<unknown, string>();
  #memos = 0;

  constructor(shared: ReadonlySet<ObjectShape>) {
    this.#shared = shared;
  }

  object(shape: ObjectShape): string {
    return this.#once(shape, (name) => {
      const fields = shape.fields.map((field, index) => `${literal(`${index === 0 ? '{' : ','}${JSON.stringify(field.key)}:`)} ${this.#field(shape, field)}`);
      const body = `let v; ${fields.length === 0 ? literal('{}') : `${fields.join('\n')} ${literal('}')}`}`;
      if (!this.#shared.has(shape)) return `function ${name}(o, s) { ${body} }`;
      const memo = `m[${this.#memos++}]`;
      const again = 'const n = t.end - t.start; room(n); b.copyWithin(p, t.start, t.end); p += n; return;';
      return `function ${name}(o, s) { const k = ${memo} ??= new Map(), t = k.get(o); if (t !== undefined) { ${again} } const start = p; ${body} k.set(o, { start, end: p }); }`;
    });
  }

  #field(shape: ObjectShape, { read: name, from, slot, denied }: FieldShape): string {
    if (denied) return 's.violated = true;';
    if (from === 'typeName') return literal(JSON.stringify(shape.typeName));
    if (from === 'introspection') throw new Error('introspection is not written as bytes');
    // A field that a failed call left out must not be read from Object.prototype.
    const inherited = name in Object.prototype;
    const read = inherited ? `(Object.hasOwn(o, ${JSON.stringify(name)}) ? o[${JSON.stringify(name)}] : null)` : `o.${name}`;
    return this.#slot(read, slot.nonNull, slot.of);
  }

  #slot(read: string, nonNull: boolean, content: Content): string {
    const missing = nonNull ? 's.violated = true;' : literal('null');
    if (content.kind === 'leaf') return `if ((v = ${read}) == null) { ${missing} } else leaf(v);`;
    if (content.kind === 'enum') return `if ((v = ${read}) == null) { ${missing} } else if (sets[${this.sets.push(content.values) - 1}].has(v)) leaf(v); else s.violated = true;`;
    const call = content.kind === 'list' ? this.#list(content) : content.kind === 'object' ? this.object(content.shape) : this.#abstract(content.shapes);
    return `if ((v = ${read}) == null) { ${missing} } else if (typeof v === 'object') ${call}(v, s); else s.violated = true;`;
  }

  #list(content: Extract<Content, { kind: 'list' }>): string {
    return this.#once(content, (name) => {
      const item = this.#slot('a[i]', content.item.nonNull, content.item.of);
      return `function ${name}(a, s) { if (!Array.isArray(a)) { s.violated = true; return; } let v; room(2); b[p++] = 91;
        for (let i = 0; i < a.length; i++) { if (i !== 0) { room(1); b[p++] = 44; } ${item} } room(1); b[p++] = 93; }`;
    });
  }

  #abstract(shapes: ReadonlyMap<string, ObjectShape>): string {
    return this.#once(shapes, (name) => {
      const cases = [...shapes].map(([typeName, shape]) => `case ${JSON.stringify(typeName)}: return ${this.object(shape)}(o, s);`);
      return `function ${name}(o, s) { switch (o.__typename) { ${cases.join(' ')} default: s.violated = true; } }`;
    });
  }

  /** The function's name is known before its body is written, so that a shape is written once. */
  #once(key: unknown, write: (name: string) => string): string {
    const known = this.#names.get(key);
    if (known) return known;
    const name = `f${this.#names.size}`;
    this.#names.set(key, name);
    this.functions.push(write(name));
    return name;
  }
}
