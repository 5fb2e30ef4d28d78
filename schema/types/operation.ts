/** A GraphQL operation with the types of its answer and of its variables. */
export type TypedOperation<Result, Variables> = {
  name: string;
  source: string;
  /** Never set; carries the types. */
  readonly __types?: (variables: Variables) => Result;
};
