import {
  type ASTNode, buildASTSchema, type ConstDirectiveNode, type DefinitionNode, type DocumentNode, type GraphQLScalarType, type GraphQLSchema, isScalarType, isSpecifiedScalarType,
  Kind, parse, print, valueFromASTUntyped, visit,
} from 'graphql';
import { deferDirective } from '../schema/sdl.ts';
import type { Reachable } from './transport.ts';

/**
 * The schema that clients see. Its custom scalars accept what these accept, or those of the subgraphs, so that bad input is refused before anything is
 * fetched; values are sent on as they were given.
 */
export function buildPublicSchema(apiSdl: string, subgraphs: readonly Reachable[], scalars: Readonly<Record<string, GraphQLScalarType>> = {}): GraphQLSchema {
  const schema = buildASTSchema(withDefer(parse(apiSdl)), { assumeValidSDL: true });
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isScalarType(type) || isSpecifiedScalarType(type)) continue;
    const owner = scalars[type.name] ?? subgraphs.map((subgraph) => subgraph.schema.getType(type.name)).find(isScalarType);
    if (owner) checkLike(type, owner);
  }
  return schema;
}

/** The gateway understands the directive, whatever the subgraphs do. */
function withDefer(document: DocumentNode): DocumentNode {
  const isThere = document.definitions.some((node) => node.kind === Kind.DIRECTIVE_DEFINITION && node.name.value === 'defer');
  return isThere ? document : { ...document, definitions: [...document.definitions, ...parse(deferDirective, { noLocation: true }).definitions] };
}

function checkLike(scalar: GraphQLScalarType, owner: GraphQLScalarType): void {
  scalar.parseValue = (value) => {
    owner.parseValue(value);
    return value;
  };
  scalar.parseLiteral = (node, variables) => {
    owner.parseLiteral(node, variables);
    return valueFromASTUntyped(node, variables);
  };
}

const kept = new Set(['deprecated', 'specifiedBy', 'oneOf']);

/** What clients may see of a supergraph: without what is inaccessible and without all that only composition is about. */
export function publicSdl(supergraphSdl: string): string {
  const document = parse(supergraphSdl, { noLocation: true });
  const features = featureNames(document);
  const isOfFeature = (name: string): boolean => features.some((feature) => name.startsWith(`${feature}__`));
  const hidden = new Set(document.definitions.flatMap((node) => 'name' in node && node.name && isHidden(node) ? [node.name.value] : []));
  const visible = (node: DefinitionNode): boolean => {
    if (!('name' in node) || !node.name) return true;
    // One that is named like its feature stays: the features of composition itself have none for operations.
    if (node.kind === Kind.DIRECTIVE_DEFINITION) return !isOfFeature(node.name.value) && isExecutable(node);
    return !isHidden(node) && !isOfFeature(node.name.value);
  };
  const definitions = document.definitions.filter(visible).map((node) => visit(node, {
    Directive: ({ name }) => kept.has(name.value) ? undefined : null,
    enter: (inner) => inner !== node && isHidden(inner) ? null : undefined,
    NamedType: (inner, _key, parent) => Array.isArray(parent) && hidden.has(inner.name.value) ? null : undefined,
  }));
  return print(withDefer({ kind: Kind.DOCUMENT, definitions: definitions.filter((node) => node.kind !== Kind.UNION_TYPE_DEFINITION || (node.types?.length ?? 0) > 0) }));
}

const isHidden = (node: ASTNode): boolean => 'directives' in node && (node.directives ?? []).some(({ name }) => name.value === 'inaccessible');

/** Only directives of operations mean anything to clients. */
function isExecutable(node: Extract<DefinitionNode, { kind: Kind.DIRECTIVE_DEFINITION }>): boolean {
  return node.locations.some(({ value }) => /^(QUERY|MUTATION|SUBSCRIPTION|FIELD|FRAGMENT_DEFINITION|FRAGMENT_SPREAD|INLINE_FRAGMENT|VARIABLE_DEFINITION)$/.test(value));
}

/** The specifications that a supergraph links, by the names that their elements begin with here. */
function featureNames(document: DocumentNode): string[] {
  const links = document.definitions.flatMap((node) => node.kind === Kind.SCHEMA_DEFINITION || node.kind === Kind.SCHEMA_EXTENSION ? node.directives ?? [] : []);
  return ['link', 'join', 'core', ...links.map(featureName).filter((name) => name !== '')];
}

function featureName({ arguments: given = [] }: ConstDirectiveNode): string {
  const texts = new Map(given.flatMap(({ name, value }) => value.kind === Kind.STRING ? [[name.value, value.value]] : []));
  return texts.get('as') ?? (texts.get('url') ?? texts.get('feature') ?? '').split('/').at(-2) ?? '';
}
