import { type FieldDefinitionNode, Kind, type DocumentNode, type SelectionSetNode, type TypeNode, type UnionTypeDefinitionNode } from 'graphql';
import { fieldSet, graphsOf, isEntityOf, named, type Owner, textOf } from './join-directives.ts';

/**
 * Doubles of subgraphs that have nothing but fields with @requires and what these need and lead to. Those that end in values share one; one that leads to
 * objects has its own, for below these may be the others.
 */
export type Reach = {
  /** By the supergraph's name of a double, the one of its subgraph. */
  doubles: ReadonlyMap<string, string>;
  /** The double that a field with @requires of a subgraph goes to. */
  doubleOf(graph: string, typeName: string, fieldName: string): string | null;
  hasType(double: string, typeName: string): boolean;
  /** Of a type that it has. Of an entity, only what keys and requirements name; the rest is a call away. */
  hasField(double: string, typeName: string, fieldName: string): boolean;
};

/**
 * The reach of all fields with @requires but those that lead to interfaces and unions: when the planner (0.0.38) finds these in two subgraphs it may
 * find no way on from either.
 */
export function reachOfRequirements(document: DocumentNode): Reach {
  const found = new Finder(document);
  for (const type of found.owners.values()) found.addRequiring(type);
  return {
    doubles: found.doubles,
    doubleOf: (graph, typeName, fieldName) => found.requiring.get(`${graph} ${typeName}.${fieldName}`) ?? null,
    hasType: (double, typeName) => found.types.has(`${double} ${typeName}`),
    hasField: (double, typeName, fieldName) => found.fields.has(`${double} ${typeName}.${fieldName}`),
  };
}

class Finder {
  readonly owners = new Map<string, Owner>();
  readonly doubles = new Map<string, string>();
  readonly requiring = new Map<string, string>();
  readonly types = new Set<string>();
  readonly fields = new Set<string>();
  readonly #unions = new Map<string, UnionTypeDefinitionNode>();

  constructor({ definitions }: DocumentNode) {
    for (const node of definitions) {
      if (node.kind === Kind.OBJECT_TYPE_DEFINITION || node.kind === Kind.INTERFACE_TYPE_DEFINITION) this.owners.set(node.name.value, node);
      else if (node.kind === Kind.UNION_TYPE_DEFINITION) this.#unions.set(node.name.value, node);
    }
  }

  addRequiring(type: Owner): void {
    for (const field of type.fields ?? []) {
      for (const join of named(field.directives, 'join__field')) {
        const [graph, requires] = [textOf(join, 'graph'), textOf(join, 'requires')];
        if (graph === null || requires === null || !isEntityOf(type, graph) || this.#leadsToAbstract(graph, nameOf(field.type), new Set())) continue;
        const double = this.#isObject(nameOf(field.type)) ? `${graph}__REQUIRING_${this.doubles.size + 1}` : `${graph}__REQUIRING`;
        this.doubles.set(double, graph);
        this.requiring.set(`${graph} ${type.name.value}.${field.name.value}`, double);
        this.#addSet(double, type.name.value, fieldSet(requires));
        this.#addField(double, type, field);
      }
    }
  }

  #isObject(typeName: string): boolean {
    return this.owners.has(typeName) || this.#unions.has(typeName);
  }

  #leadsToAbstract(graph: string, typeName: string, seen: Set<string>): boolean {
    const type = this.owners.get(typeName);
    if (this.#unions.has(typeName) || type?.kind === Kind.INTERFACE_TYPE_DEFINITION) return true;
    if (!type || seen.has(typeName) || isEntityOf(type, graph)) return false;
    seen.add(typeName);
    return (type.fields ?? []).some((field) => isOf(field, graph) && this.#leadsToAbstract(graph, nameOf(field.type), seen));
  }

  #addField(double: string, type: Owner, field: FieldDefinitionNode): void {
    const id = `${double} ${type.name.value}.${field.name.value}`;
    if (this.fields.has(id)) return;
    this.fields.add(id);
    this.#addType(double, type.name.value);
    this.#addType(double, nameOf(field.type));
  }

  #addType(double: string, typeName: string): void {
    const id = `${double} ${typeName}`;
    if (this.types.has(id)) return;
    for (const member of this.#unions.get(typeName)?.types ?? []) this.#addType(double, member.name.value);
    const type = this.owners.get(typeName);
    if (this.#unions.has(typeName)) this.types.add(id);
    const graph = this.doubles.get(double) ?? '';
    if (!type || !graphsOf(type).includes(graph)) return;
    this.types.add(id);
    for (const join of named(type.directives, 'join__type')) {
      const key = textOf(join, 'graph') === graph ? textOf(join, 'key') : null;
      if (key) this.#addSet(double, typeName, fieldSet(key));
    }
    if (!isEntityOf(type, graph)) for (const field of type.fields ?? []) if (isOf(field, graph)) this.#addField(double, type, field);
    if (type.kind === Kind.INTERFACE_TYPE_DEFINITION) {
      for (const other of this.owners.values()) if (other.interfaces?.some(({ name }) => name.value === typeName)) this.#addType(double, other.name.value);
    }
  }

  #addSet(double: string, typeName: string, set: SelectionSetNode): void {
    const type = this.owners.get(typeName);
    for (const node of set.selections) {
      if (node.kind === Kind.INLINE_FRAGMENT) this.#addSet(double, node.typeCondition?.name.value ?? typeName, node.selectionSet);
      const field = node.kind === Kind.FIELD ? type?.fields?.find(({ name }) => name.value === node.name.value) : undefined;
      if (!type || !field || node.kind !== Kind.FIELD) continue;
      this.#addField(double, type, field);
      if (node.selectionSet) this.#addSet(double, nameOf(field.type), node.selectionSet);
    }
  }
}

const joinsWith = (field: FieldDefinitionNode, graph: string) => named(field.directives, 'join__field').filter((join) => textOf(join, 'graph') === graph);
const isOf = (field: FieldDefinitionNode, graph: string): boolean => named(field.directives, 'join__field').length === 0 || joinsWith(field, graph).length > 0;

function nameOf(type: TypeNode): string {
  return type.kind === Kind.NAMED_TYPE ? type.name.value : nameOf(type.type);
}
