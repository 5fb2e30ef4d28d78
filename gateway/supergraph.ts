import {
  buildASTSchema, type DocumentNode, type GraphQLInterfaceType, type GraphQLSchema, isAbstractType, isNonNullType, isInterfaceType, isObjectType, Kind, parse, type StringValueNode,
} from 'graphql';
import { isTrue, named, type References, referencesIn } from './join-directives.ts';

/** The composed graph with everything that clients must not see, as the gateway reads it. */
export type Supergraph = {
  sdl: string;
  /** With inaccessible elements and the join directives. */
  schema: GraphQLSchema;
  /** Names of the subgraphs. */
  subgraphs: readonly string[];
  /** Their addresses, by name, where the supergraph says one. */
  addresses: ReadonlyMap<string, string>;
  /** Whether an object of type `typeName` is a `condition`. */
  satisfies: (typeName: string, condition: string) => boolean;
  isAbstract: (typeName: string) => boolean;
  /** Whether a subgraph may name an object of this abstract type by an interface only, so that its own type's name costs a call. */
  mayHideTypes: (typeName: string) => boolean;
  /** What keys and requirements name. */
  references: References;
  /** Whether a field can be null. False for one that does not exist. */
  isNonNull: (typeName: string, fieldName: string) => boolean;
};

const knownFeatures = new Set(['link', 'join', 'inaccessible', 'tag', 'authenticated', 'requiresScopes']);

/** Reads a supergraph. Throws when it asks for a security or execution feature that the gateway does not have. */
export function readSupergraph(sdl: string): Supergraph {
  const document = parse(sdl, { noLocation: true });
  refuseUnknownFeatures(document);
  const schema = buildASTSchema(document, { assumeValid: true, assumeValidSDL: true });
  const possible = new Map<string, Set<string>>();
  for (const type of Object.values(schema.getTypeMap())) {
    if (isAbstractType(type)) possible.set(type.name, new Set(schema.getPossibleTypes(type).map(({ name }) => name)));
  }
  return {
    sdl, schema, subgraphs: [...subgraphsOf(document).keys()], addresses: subgraphsOf(document),
    satisfies: (typeName, condition) => typeName === condition || (possible.get(condition)?.has(typeName) ?? false),
    isAbstract: (typeName) => possible.has(typeName),
    mayHideTypes: hiddenTypes(schema),
    references: referencesIn(document),
    isNonNull: (typeName, fieldName) => {
      const type = schema.getType(typeName);
      return (isObjectType(type) || isInterfaceType(type)) && isNonNullType(type.getFields()[fieldName]?.type);
    },
  };
}

function hiddenTypes(schema: GraphQLSchema): (typeName: string) => boolean {
  const types = Object.values(schema.getTypeMap());
  const objects = new Set(types.filter((type) => isInterfaceType(type) && isInterfaceObject(type)).map(({ name }) => name));
  const hidden = types.filter((type) => isAbstractType(type) && schema.getPossibleTypes(type).some((object) => object.getInterfaces().some(({ name }) => objects.has(name))));
  const names = new Set([...objects, ...hidden.map(({ name }) => name)]);
  return (typeName) => names.has(typeName);
}

/** Whether a subgraph knows the interface as an object type. */
function isInterfaceObject({ astNode }: GraphQLInterfaceType): boolean {
  return named(astNode?.directives, 'join__type').some((join) => isTrue(join, 'isInterfaceObject', false));
}

/** Addresses by name; empty where there is none. */
function subgraphsOf(document: DocumentNode): Map<string, string> {
  const graphs = document.definitions.find((node) => node.kind === Kind.ENUM_TYPE_DEFINITION && node.name.value === 'join__Graph');
  if (graphs?.kind !== Kind.ENUM_TYPE_DEFINITION) throw new Error('not a supergraph: it has no enum join__Graph');
  return new Map((graphs.values ?? []).map((value) => {
    const given = value.directives?.find(({ name }) => name.value === 'join__graph')?.arguments;
    const text = (name: string): string | null => {
      const node = given?.find((argument) => argument.name.value === name)?.value;
      return node?.kind === Kind.STRING ? node.value : null;
    };
    return [text('name') ?? value.name.value, text('url') ?? ''];
  }));
}

/** A feature that is linked `for: SECURITY` or `EXECUTION` must be understood under its own name, or nothing may be served. */
function refuseUnknownFeatures(document: DocumentNode): void {
  for (const node of document.definitions) {
    if (node.kind !== Kind.SCHEMA_DEFINITION) continue;
    for (const link of node.directives ?? []) {
      const given = new Map(link.arguments?.map(({ name, value }) => [name.value, value]));
      const url = (given.get('url') as StringValueNode | undefined)?.value ?? '';
      const feature = url.split('/').at(-2) ?? '';
      if (given.has('for') && (!knownFeatures.has(feature) || given.has('as'))) throw new Error(`the supergraph needs ${url}, which this gateway does not have`);
    }
  }
}
