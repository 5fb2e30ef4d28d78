import {
  type ConstDirectiveNode, type FieldNode, getNamedType, type GraphQLField, type GraphQLInterfaceType, type GraphQLObjectType, type GraphQLSchema, isInterfaceType, isLeafType,
  isListType, isNonNullType, isObjectType, Kind, type SelectionSetNode, valueFromASTUntyped,
} from 'graphql';

/**
 * What an operation may ask for, before anything is fetched: the number of objects that its lists can hold, as the GraphQL cost directives
 * specification counts. An object is 1, a scalar 0, `@cost(weight:)` says otherwise; a list has as many items as its slicing argument asks for.
 */
export type Cost = (variables: Readonly<Record<string, unknown>>) => number;

type Field = GraphQLField<unknown, unknown>;
type Fields = GraphQLObjectType | GraphQLInterfaceType;
/** How many items a list has: a number, or what a variable says, `items` where that is not given. */
type Size = { kind: 'fixed'; items: number } | { kind: 'variable'; name: string; items: number };
type Sizes = {
  own: Size | null;
  /** For the lists right below this field, by name. */
  below: ReadonlyMap<string, Size>;
};

/** Lists without a slicing argument and without `@listSize` are part of their object: the few addresses, tags or pictures of one. */
const assumedItems = 10;
/** Arguments of Int type that slice a list where no `@listSize` says which do. */
const slicing = ['first', 'last', 'limit'];
/** Where the items of a connection are. */
const connectionLists = ['nodes', 'edges'];

/** `described` is the schema that has the directives: the supergraph's. */
export function costOf(schema: GraphQLSchema, described: GraphQLSchema, rootType: string, selectionSet: SelectionSetNode): Cost {
  const root = schema.getType(rootType);
  return isFields(root) ? costOfSet(schema, described, root, selectionSet, new Map()) : () => 0;
}

function costOfSet(schema: GraphQLSchema, described: GraphQLSchema, parent: Fields | null, set: SelectionSetNode, given: ReadonlyMap<string, Size>): Cost {
  const parts: Cost[] = [];
  let fixed = 0;
  const add = (part: Cost | number): void => {
    if (typeof part === 'number') fixed += part;
    else parts.push(part);
  };
  for (const node of set.selections) {
    if (node.kind === Kind.FIELD) add(parent ? costOfField(schema, described, parent, node, given) : 0);
    else if (node.kind === Kind.INLINE_FRAGMENT) {
      const type = node.typeCondition ? schema.getType(node.typeCondition.name.value) : parent;
      add(costOfSet(schema, described, isFields(type) ? type : null, node.selectionSet, given));
    }
  }
  return (variables) => parts.reduce((sum, part) => sum + part(variables), fixed);
}

function costOfField(schema: GraphQLSchema, described: GraphQLSchema, parent: Fields, node: FieldNode, given: ReadonlyMap<string, Size>): Cost | number {
  const field = parent.getFields()[node.name.value];
  // Introspection is answered from memory.
  if (!field) return 0;
  const directives = directivesOf(described, parent.name, field.name);
  const type = getNamedType(field.type);
  const weight = weightOf(directives) ?? (isLeafType(type) ? 0 : 1);
  const sizes = sizesOf(field, node, directives);
  const isList = isListType(isNonNullType(field.type) ? field.type.ofType : field.type);
  const inner = node.selectionSet ? costOfSet(schema, described, isFields(type) ? type : null, node.selectionSet, sizes.below) : () => 0;
  if (!isList) return (variables) => weight + inner(variables);
  const size = given.get(field.name) ?? sizes.own ?? { kind: 'fixed', items: assumedItems };
  return (variables) => itemsOf(size, variables) * (weight + inner(variables));
}

function itemsOf(size: Size, variables: Readonly<Record<string, unknown>>): number {
  const given = size.kind === 'variable' ? variables[size.name] : undefined;
  const items = given === undefined ? size.items : given;
  return typeof items === 'number' && items > 0 ? items : 0;
}

function sizesOf(field: Field, node: FieldNode, directives: readonly ConstDirectiveNode[]): Sizes {
  const listSize = directives.find(({ name }) => name.value === 'listSize' || name.value === 'cost__listSize');
  const said = Object.fromEntries(listSize?.arguments?.map(({ name, value }) => [name.value, valueFromASTUntyped(value)]) ?? []) as {
    assumedSize?: number; slicingArguments?: string[]; sizedFields?: string[];
  };
  const names = said.slicingArguments ?? slicing;
  const asked = names.map((name) => slicedBy(field, node, name)).find((size) => size !== null) ?? null;
  const own = asked ?? (said.assumedSize === undefined ? null : { kind: 'fixed' as const, items: said.assumedSize });
  return { own, below: new Map(own ? (said.sizedFields ?? connectionLists).map((name) => [name, own]) : []) };
}

/** What one slicing argument asks for, its default included. */
function slicedBy(field: Field, node: FieldNode, name: string): Size | null {
  const definition = field.args.find((argument) => argument.name === name);
  if (!definition || getNamedType(definition.type).name !== 'Int') return null;
  const value = node.arguments?.find((argument) => argument.name.value === name)?.value;
  const standard = typeof definition.defaultValue === 'number' ? definition.defaultValue : 0;
  if (value?.kind === Kind.VARIABLE) return { kind: 'variable', name: value.name.value, items: standard };
  const items = value ? valueFromASTUntyped(value) : definition.defaultValue;
  return typeof items === 'number' ? { kind: 'fixed', items } : null;
}

function weightOf(directives: readonly ConstDirectiveNode[]): number | null {
  const cost = directives.find(({ name }) => name.value === 'cost');
  const weight = Number(cost?.arguments?.map(({ value }) => valueFromASTUntyped(value))[0] ?? Number.NaN);
  return Number.isFinite(weight) ? weight : null;
}

function directivesOf(described: GraphQLSchema, typeName: string, fieldName: string): readonly ConstDirectiveNode[] {
  const type = described.getType(typeName);
  return isFields(type) ? type.getFields()[fieldName]?.astNode?.directives ?? [] : [];
}

function isFields(type: unknown): type is Fields {
  return isObjectType(type) || isInterfaceType(type);
}
