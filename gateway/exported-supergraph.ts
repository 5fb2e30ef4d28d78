import { type ConstDirectiveNode, type DirectiveNode, type DocumentNode, Kind, parse, print, visit } from 'graphql';

const authorization: ReadonlySet<string> = new Set(['authenticated', 'requiresScopes']);

/**
 * A supergraph for another router: with these addresses, by name, and without what the subgraphs keep by themselves. Routers take @authenticated and
 * @requiresScopes to be about tokens that they check; here keys open the graph, which only the subgraphs know.
 */
export function exportedSupergraph(supergraphSdl: string, urls: Readonly<Record<string, string>>): string {
  const addressed = visit(parse(supergraphSdl, { noLocation: true }), {
    EnumValueDefinition: (node) => ({ ...node, directives: node.directives?.map((directive) => withAddress(directive, urls)) ?? [] }),
  });
  return `${print(withoutAuthorization(addressed))}\n`;
}

/** A subgraph's own SDL for the same purpose. */
export function exportedSubgraph(sdl: string): string {
  return `${print(withoutAuthorization(parse(sdl, { noLocation: true })))}\n`;
}

function withAddress(directive: ConstDirectiveNode, urls: Readonly<Record<string, string>>): ConstDirectiveNode {
  if (directive.name.value !== 'join__graph') return directive;
  const name = textOf(directive, 'name');
  const url = urls[name];
  if (url === undefined) throw new Error(`no address of the subgraph ${name} was given`);
  return { ...directive, arguments: directive.arguments?.map((argument) => (argument.name.value === 'url' ? { ...argument, value: { kind: Kind.STRING, value: url } } : argument)) ?? [] };
}

function withoutAuthorization(document: DocumentNode): DocumentNode {
  return visit(document, {
    Directive(node) {
      if (authorization.has(node.name.value)) return null;
      if (node.name.value !== 'link') return undefined;
      // A supergraph links the feature itself, a subgraph imports it among others.
      if (authorization.has(textOf(node, 'url').split('/').at(-2) ?? '')) return null;
      return { ...node, arguments: node.arguments?.map((argument) => (argument.value.kind === Kind.LIST ? { ...argument, value: { ...argument.value, values: argument.value.values.filter((value) => !isImported(value)) } } : argument)) ?? [] };
    },
    DirectiveDefinition: (node) => (authorization.has(node.name.value) ? null : undefined),
    ScalarTypeDefinition: (node) => (node.name.value === 'requiresScopes__Scope' ? null : undefined),
  });
}

const isImported = (value: { kind: Kind; value?: unknown }): boolean => value.kind === Kind.STRING && authorization.has(String(value.value).replace('@', ''));

function textOf({ arguments: given = [] }: DirectiveNode, name: string): string {
  const value = given.find((argument) => argument.name.value === name)?.value;
  return value?.kind === Kind.STRING ? value.value : '';
}
