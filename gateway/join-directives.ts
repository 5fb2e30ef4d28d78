import {
  type ConstArgumentNode, type ConstDirectiveNode, type ConstValueNode, type DocumentNode, type InterfaceTypeDefinitionNode, Kind, type ObjectTypeDefinitionNode, parse,
  type SelectionSetNode, visit,
} from 'graphql';

/** A type with fields. */
export type Owner = ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode;

const valueOf = ({ arguments: given }: ConstDirectiveNode, name: string): ConstValueNode | undefined => given?.find((argument) => argument.name.value === name)?.value;

/** A text or an enum's value that a directive is given. */
export function textOf(directive: ConstDirectiveNode, name: string): string | null {
  const value = valueOf(directive, name);
  return value?.kind === Kind.STRING || value?.kind === Kind.ENUM ? value.value : null;
}

export function isTrue(directive: ConstDirectiveNode, name: string, otherwise: boolean): boolean {
  const value = valueOf(directive, name);
  return value?.kind === Kind.BOOLEAN ? value.value : otherwise;
}

export function named(directives: readonly ConstDirectiveNode[] | undefined, name: string): ConstDirectiveNode[] {
  return (directives ?? []).filter((directive) => directive.name.value === name);
}

/** The subgraphs, as the supergraph names them, that have a type. */
export function graphsOf({ directives }: Owner): string[] {
  return [...new Set(named(directives, 'join__type').flatMap((join) => textOf(join, 'graph') ?? []))];
}

/** Whether objects of a type can be asked of a subgraph by a key. */
export function isEntityOf({ directives }: Owner, graph: string): boolean {
  return named(directives, 'join__type').some((join) => textOf(join, 'graph') === graph && textOf(join, 'key') !== null && isTrue(join, 'resolvable', true));
}

/** What `key` and `requires` say. */
export function fieldSet(text: string): SelectionSetNode {
  const [operation] = parse(`{ ${text} }`, { noLocation: true }).definitions;
  if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new Error('the supergraph has a field set that is none');
  return operation.selectionSet;
}

/** Names of the fields that keys and requirements name. */
export type References = { names: ReadonlySet<string>; /** Those that a requirement gives arguments. */ withArguments: ReadonlySet<string> };

export function referencesIn({ definitions }: DocumentNode): References {
  const [names, withArguments] = [new Set<string>(), new Set<string>()];
  for (const node of definitions) {
    if (node.kind !== Kind.OBJECT_TYPE_DEFINITION && node.kind !== Kind.INTERFACE_TYPE_DEFINITION) continue;
    const directives = [...named(node.directives, 'join__type'), ...(node.fields ?? []).flatMap((field) => named(field.directives, 'join__field'))];
    for (const text of directives.flatMap((join) => textOf(join, 'key') ?? textOf(join, 'requires') ?? [])) {
      visit(fieldSet(text), {
        Field({ name, arguments: given }) {
          names.add(name.value);
          if (given?.length) withArguments.add(name.value);
        },
      });
    }
  }
  return { names, withArguments };
}

const graphArgument = (graph: string): ConstArgumentNode => ({ kind: Kind.ARGUMENT, name: { kind: Kind.NAME, value: 'graph' }, value: { kind: Kind.ENUM, value: graph } });

/** The same said of another subgraph. */
export function saidOf(directive: ConstDirectiveNode, graph: string): ConstDirectiveNode {
  return { ...directive, arguments: (directive.arguments ?? []).map((given) => given.name.value === 'graph' ? graphArgument(graph) : given) };
}

export function joinField(graph: string): ConstDirectiveNode {
  return { kind: Kind.DIRECTIVE, name: { kind: Kind.NAME, value: 'join__field' }, arguments: [graphArgument(graph)] };
}
