import { type ASTNode, valueFromASTUntyped } from 'graphql';

/** What @requiresScopes asks for: all scopes of at least one of the lists. An empty list, as @authenticated has: only to be known. */
export type Alternatives = readonly (readonly string[])[];

export const hasScopes = (alternatives: Alternatives, scopes: ReadonlySet<string>): boolean => alternatives.some((all) => all.every((scope) => scopes.has(scope)));

const sets = new Map<string, ReadonlySet<string>>();
const mostSets = 1_000;

/** The scopes of a caller: one set for all who have the same, for every open subscription holds its caller's. */
export function scopeSet(scopes: readonly string[]): ReadonlySet<string> {
  const name = scopes.join(' ');
  const known = sets.get(name);
  if (known) return known;
  const set = new Set(scopes);
  if (sets.size < mostSets) sets.set(name, set);
  return set;
}

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
