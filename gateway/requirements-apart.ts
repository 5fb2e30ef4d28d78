import type { PlanNode } from '@graphql-hive/router-query-planner';
import { type ConstDirectiveNode, type DefinitionNode, type FieldDefinitionNode, Kind, parse, print, visit } from 'graphql';
import { graphsOf, joinField, named, type Owner, saidOf, textOf } from './join-directives.ts';
import { type Reach, reachOfRequirements } from './requirements-reach.ts';

/** A supergraph with more subgraphs than there are, and the names of the real ones by those of their doubles. */
export type Apart = { sdl: string; owners: ReadonlyMap<string, string> };

/** By the supergraph's name of a subgraph, the one of its double. */
type Doubles = ReadonlyMap<string, string>;

/**
 * The same supergraph with every subgraph that has fields with @requires told apart in two: a double has those fields, their keys and what they lead
 * to; the subgraph has all the rest. The planner (0.0.38) takes a fetch that completes an entity for the one that also leads to a further entity of
 * the same type below it, and finds no plan for the requirements of that one. Here the two are different fetches. Null without such fields.
 */
export function requirementsApart(supergraphSdl: string): Apart | null {
  const document = parse(supergraphSdl, { noLocation: true });
  const reach = reachOfRequirements(document);
  if (reach.graphs.size === 0) return null;
  const doubles = new Map([...reach.graphs].map((graph) => [graph, `${graph}__REQUIRING`]));
  const owners = new Map<string, string>();
  const definitions = document.definitions.map((node): DefinitionNode => {
    if (node.kind === Kind.ENUM_TYPE_DEFINITION && node.name.value === 'join__Graph') return withDoubles(node, doubles, owners);
    if (node.kind === Kind.OBJECT_TYPE_DEFINITION || node.kind === Kind.INTERFACE_TYPE_DEFINITION) {
      return doubled({ ...node, fields: (node.fields ?? []).map((field) => toldApart(field, node, doubles, reach)) }, doubles, reach);
    }
    return doubled(node, doubles, reach);
  });
  return { sdl: print({ kind: Kind.DOCUMENT, definitions }), owners };
}

/** A plan for the real subgraphs. */
export function withOwners(plan: PlanNode | null, { owners }: Apart): PlanNode | null {
  return JSON.parse(JSON.stringify(plan), (key, value: unknown) => key === 'serviceName' && typeof value === 'string' ? owners.get(value) ?? value : value) as PlanNode | null;
}

function withDoubles(node: Extract<DefinitionNode, { kind: Kind.ENUM_TYPE_DEFINITION }>, doubles: Doubles, owners: Map<string, string>): DefinitionNode {
  const renamed = (directive: ConstDirectiveNode): ConstDirectiveNode => {
    const name = textOf(directive, 'name') ?? '';
    owners.set(`${name} @requires`, name);
    return { ...directive, arguments: (directive.arguments ?? []).map((given) => given.name.value === 'name' ? { ...given, value: { kind: Kind.STRING, value: `${name} @requires` } } : given) };
  };
  const more = (node.values ?? []).flatMap((value) => {
    const double = doubles.get(value.name.value);
    return double ? [{ ...value, name: { kind: Kind.NAME, value: double } as const, directives: (value.directives ?? []).map(renamed) }] : [];
  });
  return { ...node, values: [...node.values ?? [], ...more] };
}

/** That a subgraph has a type, a member, a value or an input field is said of its double too. Fields of objects are `toldApart`. */
function doubled(definition: DefinitionNode, doubles: Doubles, reach: Reach): DefinitionNode {
  const isOutput = definition.kind === Kind.OBJECT_TYPE_DEFINITION || definition.kind === Kind.INTERFACE_TYPE_DEFINITION || definition.kind === Kind.UNION_TYPE_DEFINITION;
  const isWanted = (graph: string, directive: ConstDirectiveNode): boolean => {
    const types = isOutput ? [definition.name.value, textOf(directive, 'interface') ?? definition.name.value] : [];
    return directive.name.value.startsWith('join__') && types.every((name) => reach.hasType(graph, name));
  };
  return visit(definition, {
    FieldDefinition: () => false,
    Directive: () => false,
    leave(node) {
      if (!('directives' in node) || !node.directives?.length) return undefined;
      const directives = (node.directives as readonly ConstDirectiveNode[]).flatMap((directive) => {
        const graph = textOf(directive, 'graph') ?? '';
        const double = isWanted(graph, directive) ? doubles.get(graph) : undefined;
        return double ? [directive, saidOf(directive, double)] : [directive];
      });
      return { ...node, directives };
    },
  }) as DefinitionNode;
}

/** A field with @requires is the double's alone, any other the subgraph's, and the double's too where it is needed there. */
function toldApart(field: FieldDefinitionNode, type: Owner, doubles: Doubles, reach: Reach): FieldDefinitionNode {
  const [typeName, fieldName] = [type.name.value, field.name.value];
  const alsoOf = (graph: string): string[] => reach.hasType(graph, typeName) && reach.hasField(graph, typeName, fieldName) ? [doubles.get(graph) ?? ''] : [];
  if (named(field.directives, 'join__field').length > 0) {
    return { ...field, directives: (field.directives ?? []).flatMap((directive) => {
      const graph = directive.name.value === 'join__field' ? textOf(directive, 'graph') ?? '' : '';
      const double = doubles.get(graph);
      if (!double) return [directive];
      if (reach.isRequiring(graph, typeName, fieldName)) return [saidOf(directive, double)];
      return [directive, ...alsoOf(graph).map((name) => saidOf(directive, name))];
    }) };
  }
  // It is in every subgraph that has the type, which a double may not want.
  const graphs = graphsOf(type);
  if (graphs.every((graph) => !doubles.has(graph) || !reach.hasType(graph, typeName) || alsoOf(graph).length > 0)) return field;
  const all = graphs.flatMap((graph) => doubles.has(graph) ? [graph, ...alsoOf(graph)] : [graph]);
  return { ...field, directives: [...field.directives ?? [], ...all.map(joinField)] };
}
