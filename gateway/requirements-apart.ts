import type { PlanNode } from '@graphql-hive/router-query-planner';
import { type ConstDirectiveNode, type DefinitionNode, type FieldDefinitionNode, Kind, parse, print, visit } from 'graphql';
import { graphsOf, joinField, named, type Owner, saidOf, textOf } from './join-directives.ts';
import { type Reach, reachOfRequirements } from './requirements-reach.ts';

/** A supergraph with more subgraphs than there are, and the names of the real ones by those of their doubles. */
export type Apart = { sdl: string; owners: ReadonlyMap<string, string> };

/**
 * The same supergraph with the fields with @requires of every subgraph told apart from it, in doubles of it at the same address. The planner (0.0.38)
 * takes a fetch that completes an entity for the one that also leads to a further entity of the same type below it, and finds no plan for the
 * requirements of that one. Here the two are different fetches. Null without such fields.
 */
export function requirementsApart(supergraphSdl: string): Apart | null {
  const document = parse(supergraphSdl, { noLocation: true });
  const reach = reachOfRequirements(document);
  if (reach.doubles.size === 0) return null;
  const owners = new Map<string, string>();
  const definitions = document.definitions.map((node): DefinitionNode => {
    if (node.kind === Kind.ENUM_TYPE_DEFINITION && node.name.value === 'join__Graph') return withDoubles(node, reach, owners);
    if (node.kind === Kind.OBJECT_TYPE_DEFINITION || node.kind === Kind.INTERFACE_TYPE_DEFINITION) {
      return doubled({ ...node, fields: (node.fields ?? []).map((field) => toldApart(field, node, reach)) }, reach);
    }
    return doubled(node, reach);
  });
  return { sdl: print({ kind: Kind.DOCUMENT, definitions }), owners };
}

/** A plan for the real subgraphs. */
export function withOwners(plan: PlanNode | null, { owners }: Apart): PlanNode | null {
  return JSON.parse(JSON.stringify(plan), (key, value: unknown) => key === 'serviceName' && typeof value === 'string' ? owners.get(value) ?? value : value) as PlanNode | null;
}

const doublesOf = ({ doubles }: Reach, graph: string | null): string[] => [...doubles].flatMap(([double, owner]) => owner === graph ? [double] : []);

function withDoubles(node: Extract<DefinitionNode, { kind: Kind.ENUM_TYPE_DEFINITION }>, reach: Reach, owners: Map<string, string>): DefinitionNode {
  const more = (node.values ?? []).flatMap((value) => doublesOf(reach, value.name.value).map((double) => {
    const renamed = (directive: ConstDirectiveNode): ConstDirectiveNode => {
      const owner = textOf(directive, 'name') ?? '';
      const name = `${owner} ${double}`;
      owners.set(name, owner);
      return { ...directive, arguments: (directive.arguments ?? []).map((given) => given.name.value === 'name' ? { ...given, value: { kind: Kind.STRING, value: name } } : given) };
    };
    return { ...value, name: { kind: Kind.NAME, value: double } as const, directives: (value.directives ?? []).map(renamed) };
  }));
  return { ...node, values: [...node.values ?? [], ...more] };
}

/** That a subgraph has a type, a member, a value or an input field is said of its doubles too. Fields of objects are `toldApart`. */
function doubled(definition: DefinitionNode, reach: Reach): DefinitionNode {
  const isOutput = definition.kind === Kind.OBJECT_TYPE_DEFINITION || definition.kind === Kind.INTERFACE_TYPE_DEFINITION || definition.kind === Kind.UNION_TYPE_DEFINITION;
  const wanting = (directive: ConstDirectiveNode): string[] => {
    const types = isOutput ? [definition.name.value, textOf(directive, 'interface') ?? definition.name.value] : [];
    return directive.name.value.startsWith('join__') ? doublesOf(reach, textOf(directive, 'graph')).filter((double) => types.every((name) => reach.hasType(double, name))) : [];
  };
  return visit(definition, {
    FieldDefinition: () => false,
    Directive: () => false,
    leave(node) {
      if (!('directives' in node) || !node.directives?.length) return undefined;
      return { ...node, directives: (node.directives as readonly ConstDirectiveNode[]).flatMap((directive) => [directive, ...wanting(directive).map((double) => saidOf(directive, double))]) };
    },
  }) as DefinitionNode;
}

/** A field with @requires is its double's alone, any other the subgraph's, and a double's too where it is needed there. */
function toldApart(field: FieldDefinitionNode, type: Owner, reach: Reach): FieldDefinitionNode {
  const [typeName, fieldName] = [type.name.value, field.name.value];
  const withType = (graph: string | null): string[] => doublesOf(reach, graph).filter((double) => reach.hasType(double, typeName));
  const wanting = (graph: string | null): string[] => withType(graph).filter((double) => reach.hasField(double, typeName, fieldName));
  if (named(field.directives, 'join__field').length > 0) {
    return { ...field, directives: (field.directives ?? []).flatMap((directive) => {
      const graph = directive.name.value === 'join__field' ? textOf(directive, 'graph') : null;
      const own = graph === null ? null : reach.doubleOf(graph, typeName, fieldName);
      return own === null ? [directive, ...wanting(graph).map((double) => saidOf(directive, double))] : [saidOf(directive, own)];
    }) };
  }
  // It is in every subgraph that has the type, which a double may not want.
  const graphs = graphsOf(type);
  if (graphs.every((graph) => wanting(graph).length === withType(graph).length)) return field;
  return { ...field, directives: [...field.directives ?? [], ...graphs.flatMap((graph) => [graph, ...wanting(graph)]).map(joinField)] };
}
