import type { Content, FieldShape, ObjectShape } from './shape.ts';

/** Whether something in the data does not fit the schema: then the projection's answer is void and completion.ts must say where. */
export type Verdict = { violated: boolean };

/** Copies what was asked for out of the subgraphs' data, in the order of the operation. */
export type Projection = (data: object, verdict: Verdict, introspection: object) => Record<string, unknown>;

/**
 * Writes one function per object type of the answer, each a single object literal: the engine makes these objects in one go, and
 * JSON.stringify is fastest on them. Names come from a validated document, so they are plain identifiers.
 */
export function generateProjection(root: ObjectShape): Projection {
  const writer = new Writer();
  const entry = writer.object(root);
  const source = `'use strict';\n${writer.functions.join('\n')}\nreturn ${entry};`;
  // oxlint-disable-next-line typescript/no-implied-eval -- the whole point of this file
  return new Function('sets', source)(writer.sets) as Projection;
}

class Writer {
  readonly functions: string[] = [];
  readonly sets: ReadonlySet<string>[] = [];
  readonly #names = new Map<unknown, string>();

  object(shape: ObjectShape): string {
    return this.#once(shape, (name) => {
      const fields = shape.fields.map((field) => `${JSON.stringify(field.key)}: ${this.#field(shape, field)}`);
      return `function ${name}(o, s, x) { let v; return { ${fields.join(', ')} }; }`;
    });
  }

  #field(shape: ObjectShape, { key, read: name, from, slot, denied }: FieldShape): string {
    if (denied) return '(s.violated = true, null)';
    if (from === 'typeName') return JSON.stringify(shape.typeName);
    if (from === 'introspection') return `(x[${JSON.stringify(key)}] ?? null)`;
    // A field that a failed call left out must not be read from Object.prototype.
    const inherited = name in Object.prototype;
    const read = inherited ? `(Object.hasOwn(o, ${JSON.stringify(name)}) ? o[${JSON.stringify(name)}] : null)` : `o.${name}`;
    return this.#slot(read, slot.nonNull, slot.of);
  }

  #slot(read: string, nonNull: boolean, content: Content): string {
    const missing = nonNull ? '(s.violated = true, null)' : 'null';
    if (content.kind === 'leaf') return `(${read} ?? ${missing})`;
    if (content.kind === 'enum') return `((v = ${read}) == null ? ${missing} : sets[${this.sets.push(content.values) - 1}].has(v) ? v : (s.violated = true, null))`;
    const call = content.kind === 'list' ? this.#list(content) : content.kind === 'object' ? this.object(content.shape) : this.#abstract(content.shapes);
    return `((v = ${read}) == null ? ${missing} : typeof v === 'object' ? ${call}(v, s, x) : (s.violated = true, null))`;
  }

  #list(content: Extract<Content, { kind: 'list' }>): string {
    return this.#once(content, (name) => {
      const item = this.#slot('a[i]', content.item.nonNull, content.item.of);
      return `function ${name}(a, s, x) { if (!Array.isArray(a)) { s.violated = true; return null; } let v; const r = []; for (let i = 0; i < a.length; i++) r.push(${item}); return r; }`;
    });
  }

  #abstract(shapes: ReadonlyMap<string, ObjectShape>): string {
    return this.#once(shapes, (name) => {
      const cases = [...shapes].map(([typeName, shape]) => `case ${JSON.stringify(typeName)}: return ${this.object(shape)}(o, s, x);`);
      return `function ${name}(o, s, x) { switch (o.__typename) { ${cases.join(' ')} default: s.violated = true; return null; } }`;
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
