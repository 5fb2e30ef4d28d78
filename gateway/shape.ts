import {
  type FieldNode, type GraphQLObjectType, type GraphQLInterfaceType, type GraphQLOutputType, isAbstractType, isEnumType, isInterfaceType, isListType, isNonNullType,
  type InlineFragmentNode, isObjectType, Kind, type SelectionSetNode,
} from 'graphql';
import type { Requirement } from './authorization.ts';
import { type Mark, markedBy } from './deferrals.ts';
import { needsConcreteType, type Selected } from './operation.ts';

/** What stands at one place of the answer. */
export type Slot = { nonNull: boolean; of: Content };
export type Content =
  | { kind: 'leaf' }
  | { kind: 'enum'; values: ReadonlySet<string> }
  | { kind: 'list'; item: Slot }
  | { kind: 'object'; shape: ObjectShape }
  /** By concrete type name; a name that is not in it may not leave. */
  | { kind: 'abstract'; shapes: ReadonlyMap<string, ObjectShape> };

export type FieldShape = {
  /** Response key. */
  key: string;
  /** Where the value stands in the subgraphs' data. */
  read: string;
  /** `Type.field`, for messages. */
  label: string;
  slot: Slot;
  /** Where the value comes from: the subgraphs, the type itself, or the public schema. */
  from: 'data' | 'typeName' | 'introspection';
  denied: Requirement | null;
};
/** The fields that leave for an object of one type, in the order of the answer, and those that leave later. */
export type ObjectShape = { typeName: string; fields: FieldShape[]; deferred: readonly DeferredShape[] };

/** A deferred fragment as it looks on one type. */
export type DeferredShape = { mark: Mark; shape: ObjectShape };

/** The shape of the answer: the operation's selections collected per concrete type, as the GraphQL specification says. */
export function shapeOf(selected: Selected): ObjectShape {
  const root = selected.schema.getType(selected.rootType);
  if (!isObjectType(root)) throw new Error(`the schema has no type ${selected.rootType}`);
  return new Shaper(selected).object(root, [selected.selectionSet]);
}

type Parent = GraphQLObjectType | GraphQLInterfaceType;
type Collected = { fields: Map<string, FieldNode[]>; deferred: InlineFragmentNode[] };

/** Equal selections on equal types share one shape, so that nested abstract types do not multiply. */
class Shaper {
  readonly #selected: Selected;
  readonly #known = new Map<string, ObjectShape>();
  readonly #numbers = new Map<SelectionSetNode, number>();

  constructor(selected: Selected) {
    this.#selected = selected;
  }

  object(parent: Parent, sets: readonly SelectionSetNode[]): ObjectShape {
    const id = `${parent.name} ${sets.map((set) => this.#numberOf(set)).join(' ')}`;
    const found = this.#known.get(id);
    if (found) return found;
    const collected: Collected = { fields: new Map(), deferred: [] };
    for (const set of sets) this.#collect(parent, set, collected);
    const deferred = collected.deferred.map((node): DeferredShape => ({ mark: markedBy(node), shape: this.object(parent, [node.selectionSet]) }));
    const shape: ObjectShape = { typeName: parent.name, fields: [...collected.fields].map(([key, nodes]) => this.#field(parent, key, nodes)), deferred };
    this.#known.set(id, shape);
    return shape;
  }

  #numberOf(set: SelectionSetNode): number {
    const known = this.#numbers.get(set) ?? this.#numbers.size;
    this.#numbers.set(set, known);
    return known;
  }

  #collect(parent: Parent, set: SelectionSetNode, into: Collected): void {
    const { supergraph } = this.#selected;
    for (const node of set.selections) {
      if (node.kind === Kind.FIELD) {
        const key = node.alias?.value ?? node.name.value;
        const nodes = into.fields.get(key);
        if (nodes) nodes.push(node);
        else into.fields.set(key, [node]);
      } else if (node.kind === Kind.INLINE_FRAGMENT && (!node.typeCondition || supergraph.satisfies(parent.name, node.typeCondition.name.value))) {
        if (this.#selected.deferred.has(markedBy(node))) into.deferred.push(node);
        else this.#collect(parent, node.selectionSet, into);
      }
    }
  }

  #field(parent: Parent, key: string, nodes: readonly FieldNode[]): FieldShape {
    const name = nodes[0]?.name.value ?? '';
    const denied = nodes.map((node) => this.#selected.denied.get(node)).find(Boolean) ?? null;
    const read = nodes.map((node) => this.#selected.planKeys.get(node)).find(Boolean) ?? key;
    const base = { key, read, label: `${parent.name}.${name}`, denied };
    if (name === '__typename') return { ...base, from: 'typeName', slot: { nonNull: true, of: { kind: 'leaf' } } };
    if (name.startsWith('__')) return { ...base, from: 'introspection', slot: { nonNull: false, of: { kind: 'leaf' } } };
    const definition = parent.getFields()[name];
    if (!definition) throw new Error(`${base.label} passed validation but is not there`);
    return { ...base, from: 'data', slot: this.#slot(definition.type, nodes.flatMap((node) => node.selectionSet ?? [])) };
  }

  #slot(type: GraphQLOutputType, sets: readonly SelectionSetNode[]): Slot {
    return { nonNull: isNonNullType(type), of: this.#content(isNonNullType(type) ? type.ofType : type, sets) };
  }

  #content(type: GraphQLOutputType, sets: readonly SelectionSetNode[]): Content {
    if (isListType(type)) return { kind: 'list', item: this.#slot(type.ofType, sets) };
    if (isEnumType(type)) return { kind: 'enum', values: new Set(type.getValues().map(({ name }) => name)) };
    if (isObjectType(type)) return { kind: 'object', shape: this.object(type, sets) };
    if (!isAbstractType(type)) return { kind: 'leaf' };
    if (isInterfaceType(type) && !needsConcreteType(this.#selected, type, sets)) return { kind: 'object', shape: this.object(type, sets) };
    const possible = this.#selected.schema.getPossibleTypes(type);
    return { kind: 'abstract', shapes: new Map(possible.map((object) => [object.name, this.object(object, sets)])) };
  }
}

/** The shapes of the objects at the end of response keys; of each concrete type where there are several. */
export function shapesAt(root: ObjectShape, keys: readonly string[]): readonly ObjectShape[] {
  let shapes: readonly ObjectShape[] = [root];
  for (const key of keys) shapes = shapes.flatMap(({ fields }) => fields.filter((field) => field.read === key).flatMap(({ slot }) => objectsIn(slot.of)));
  return shapes;
}

/** The shapes that objects of a content can have. */
export function objectsIn(content: Content): readonly ObjectShape[] {
  if (content.kind === 'list') return objectsIn(content.item.of);
  return content.kind === 'object' ? [content.shape] : content.kind === 'abstract' ? [...content.shapes.values()] : [];
}

/** The leading part of a path that the client asked for; what only the gateway asked for is cut off. */
export function pathInShape(root: ObjectShape, path: readonly (string | number)[]): (string | number)[] {
  const seen: (string | number)[] = [];
  let shapes: readonly ObjectShape[] = [root];
  let contents: Content[] = [];
  for (const part of path) {
    if (typeof part === 'number') contents = contents.flatMap((content) => content.kind === 'list' ? [content.item.of] : []);
    const fields = typeof part === 'number' ? [] : shapes.flatMap((shape) => shape.fields.filter(({ read }) => read === part));
    if (typeof part !== 'number') contents = fields.map(({ slot }) => slot.of);
    if (contents.length === 0) return seen;
    seen.push(fields[0]?.key ?? part);
    shapes = contents.flatMap((content) => content.kind === 'object' ? [content.shape] : content.kind === 'abstract' ? [...content.shapes.values()] : []);
  }
  return seen;
}
