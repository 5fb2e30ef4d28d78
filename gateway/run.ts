import type { GraphQLError } from 'graphql';
import type { Logger } from 'pino';
import type { RequestContext } from '../subgraphs/subgraph.ts';
import type { Data } from './data.ts';
import { createMasker, type Masker, type Path } from './errors.ts';
import type { Lifetime } from './lifetime.ts';
import { pathInShape, type ObjectShape } from './shape.ts';
import type { Call } from './transport.ts';

/** What one execution of a plan reads and collects. */
export class Run {
  /** All that the subgraphs have said so far. */
  data: Data = {};
  /** Whether all that was said so far is ASCII without anything that JSON escapes. */
  isPlain = true;
  readonly errors: GraphQLError[] = [];
  readonly variables: Readonly<Record<string, unknown>>;
  readonly request: RequestContext;
  readonly lifetime: Lifetime | null;
  readonly #shape: ObjectShape;
  readonly #log: Logger;
  #masker: Masker | null = null;

  constructor(shape: ObjectShape, { variables, request, lifetime }: Call, log: Logger) {
    this.#shape = shape;
    this.variables = variables;
    this.request = request;
    this.lifetime = lifetime;
    this.#log = log;
  }

  /** Adds an error at a place of the answer. What lies below the client's own selections is cut from the path. */
  report(error: unknown, path: Path | undefined, subgraph: string): void {
    this.#masker ??= createMasker(this.request, this.#log);
    this.errors.push(this.#masker.place(error, path && pathInShape(this.#shape, path), subgraph));
  }
}

/** One prepared part of a plan. Undefined: it had nothing to wait for. */
export type Step = (run: Run) => Promise<void> | undefined;
