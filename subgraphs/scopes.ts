import { type ASTNode, valueFromASTUntyped } from 'graphql';

/** What @requiresScopes asks for: all scopes of at least one of the lists. An empty list, as @authenticated has: only to be known. */
export type Alternatives = readonly (readonly string[])[];

export const hasScopes = (alternatives: Alternatives, scopes: ReadonlySet<string>): boolean => alternatives.some((all) => all.every((scope) => scopes.has(scope)));

/** What the directives of a type or a field ask for; all of it must be met. */
export function declaredScopes({ astNode }: { readonly astNode?: ASTNode | null | undefined }): Alternatives[] {
  const directives = astNode && 'directives' in astNode ? astNode.directives ?? [] : [];
  return directives.flatMap(({ name, arguments: given }): Alternatives[] => {
    if (name.value === 'authenticated') return [[[]]];
    if (name.value !== 'requiresScopes') return [];
    const scopes = given?.find((argument) => argument.name.value === 'scopes');
    // Without readable scopes nobody passes.
    return [scopes ? valueFromASTUntyped(scopes.value) as Alternatives : []];
  });
}
