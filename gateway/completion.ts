import type { GraphQLError } from 'graphql';
import { dataFault, refuse, type Path } from './errors.ts';
import type { RequestContext } from '../subgraphs/subgraph.ts';
import type { Content, FieldShape, ObjectShape, Slot } from './shape.ts';

/** A place of the answer, from the leaf to the root. */
type Place = { key: string | number; parent: Place | null };

const bubble = Symbol('a non-null place has no value');

/**
 * Projects data that does not fit the schema: nulls rise to the nearest nullable place, and every one of them has an error. Slower than the
 * generated projection, which is used as long as nothing is wrong. `at`: where in the answer the data stands.
 */
export function completeWithNulls(root: ObjectShape, data: object, introspection: object, errors: GraphQLError[], request: RequestContext, at: Path = []): Record<string, unknown> | null {
  const answer = new Completion(errors, introspection, request).object(root, data, at.reduce<Place | null>((parent, key) => ({ key, parent }), null));
  return answer === bubble ? null : answer as Record<string, unknown>;
}

class Completion {
  readonly #errors: GraphQLError[];
  readonly #introspection: object;
  readonly #request: RequestContext;
  readonly #explained: ExplainedPaths;

  constructor(errors: GraphQLError[], introspection: object, request: RequestContext) {
    this.#errors = errors;
    this.#introspection = introspection;
    this.#request = request;
    this.#explained = new ExplainedPaths(errors);
  }

  object(shape: ObjectShape, data: object, place: Place | null): unknown {
    const answer: Record<string, unknown> = {};
    for (const field of shape.fields) {
      const value = this.#field(shape, field, data, { key: field.key, parent: place });
      if (value === bubble) return bubble;
      answer[field.key] = value;
    }
    return answer;
  }

  #field(shape: ObjectShape, { key, read, label, slot, from, denied }: FieldShape, data: object, place: Place): unknown {
    if (from === 'typeName') return shape.typeName;
    if (from === 'introspection') return Reflect.get(this.#introspection, key) ?? null;
    if (denied) {
      const known = this.#request.caller !== null;
      this.#errors.push(refuse(known ? 'FORBIDDEN' : 'UNAUTHENTICATED', known ? `The credential lacks a scope for ${label}.` : `${label} needs a credential.`, pathTo(place)));
      return slot.nonNull ? bubble : null;
    }
    return this.#slot(slot, label, Object.hasOwn(data, read) ? Reflect.get(data, read) : undefined, place);
  }

  #slot(slot: Slot, label: string, value: unknown, place: Place): unknown {
    const nothing = slot.nonNull ? bubble : null;
    if (value === null || value === undefined) {
      if (slot.nonNull) this.#explain(`Cannot return null for non-nullable field ${label}.`, place);
      return nothing;
    }
    const answer = this.#content(slot.of, label, value, place);
    return answer === bubble ? nothing : answer;
  }

  #content(content: Content, label: string, value: unknown, place: Place): unknown {
    if (content.kind === 'leaf') return value;
    if (content.kind === 'enum') return content.values.has(String(value)) ? value : this.#misfit(label, place);
    if (content.kind === 'list') return Array.isArray(value) ? this.#list(content.item, label, value, place) : this.#misfit(label, place);
    if (typeof value !== 'object' || value === null) return this.#misfit(label, place);
    if (content.kind === 'object') return this.object(content.shape, value, place);
    const shape = content.shapes.get(String(Reflect.get(value, '__typename')));
    return shape ? this.object(shape, value, place) : this.#misfit(label, place);
  }

  #list(item: Slot, label: string, values: readonly unknown[], place: Place): unknown {
    const answer: unknown[] = [];
    for (let index = 0; index < values.length; index++) {
      const value = this.#slot(item, label, values[index], { key: index, parent: place });
      if (value === bubble) return bubble;
      answer.push(value);
    }
    return answer;
  }

  /** An inaccessible value, or one that the schema does not know: it does not leave, and its name neither. */
  #misfit(label: string, place: Place): typeof bubble {
    this.#explain(`${label} has a value that is not in the schema.`, place);
    return bubble;
  }

  #explain(message: string, place: Place): void {
    const path = pathTo(place);
    if (!this.#explained.covers(path)) this.#errors.push(dataFault(message, this.#request, path));
  }
}

/** Places that an error stands at, above or below: a null there needs no further one. */
class ExplainedPaths {
  readonly #exact = new Set<string>();
  readonly #leading = new Set<string>();

  constructor(errors: readonly GraphQLError[]) {
    for (const { path } of errors) {
      if (!path) continue;
      this.#exact.add(JSON.stringify(path));
      for (let length = 1; length <= path.length; length++) this.#leading.add(JSON.stringify(path.slice(0, length)));
    }
  }

  covers(path: Path): boolean {
    if (this.#leading.has(JSON.stringify(path))) return true;
    return path.some((_, index) => this.#exact.has(JSON.stringify(path.slice(0, index))));
  }
}

function pathTo(place: Place): (string | number)[] {
  const path: (string | number)[] = [];
  for (let at: Place | null = place; at; at = at.parent) path.unshift(at.key);
  return path;
}
