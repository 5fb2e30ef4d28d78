import { GraphQLError, type GraphQLResolveInfo, type GraphQLSchema, type OperationDefinitionNode } from 'graphql';
import type { Fragments, Variables } from './selections.ts';

/** A place in the answer, as graphql-js says it to resolvers. */
export type Path = GraphQLResolveInfo['path'];

/** What does not change between the runs of one operation. */
export type Around = { schema: GraphQLSchema; fragments: Fragments; operation: OperationDefinitionNode };

/**
 * Objects of one answer, whatever gateway asks: what the gateway of this program lets pass has at most a fifth of them, and a gateway without
 * such limits must not make a subgraph answer without end.
 */
export const mostObjects = 100_000;

/** Ends a run at once, wherever it is. */
export class Stopped extends GraphQLError {
  constructor() {
    super(`The answer has over ${mostObjects} objects.`, { extensions: { code: 'OPERATION_TOO_COMPLEX' } });
  }
}

/** One execution of an operation. */
export class Run {
  readonly around: Around;
  readonly variables: Variables;
  readonly rootValue: unknown;
  readonly context: unknown;
  readonly errors: GraphQLError[] = [];
  /** Arguments that were read before, by the number of their field. */
  readonly known: (Record<string, unknown> | undefined)[] = [];
  readonly #nulled = new Set<Path | undefined>();
  #objects = 0;

  constructor(around: Around, variables: Variables, rootValue: unknown, context: unknown) {
    this.around = around;
    this.variables = variables;
    this.rootValue = rootValue;
    this.context = context;
  }

  countObject(): void {
    this.#objects += 1;
    if (this.#objects > mostObjects) throw new Stopped();
  }

  /** Undefined: the place is the whole answer. What stands below a place that is null already is not told. */
  report(error: GraphQLError, path: Path | undefined): void {
    for (let at = path; at; at = at.prev) if (this.#nulled.has(at)) return;
    if (this.#nulled.has(undefined)) return;
    this.#nulled.add(path);
    this.errors.push(error);
  }
}

export function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
