import { type DocumentNode, getOperationAST, GraphQLError, type GraphQLSchema, type OperationTypeNode, parse, validate } from 'graphql';

/** One operation, read, or why it cannot run. */
export type ReadOperation = { document: DocumentNode; kind: OperationTypeNode } | { errors: readonly GraphQLError[] };

/** Reads the text of an operation: parsed and validated once for all requests. */
export type Documents = (query: unknown, operationName: unknown) => ReadOperation;

const mostKept = 1_000;
/** A gateway's fetches are shorter than what its clients may send; more is no gateway's. */
const longestQuery = 200_000;
const mostTokens = 20_000;
const mostErrors = 20;

type Read = { document: DocumentNode } | { errors: readonly GraphQLError[] };

export function createDocuments(schema: GraphQLSchema): Documents {
  const known = new Map<string, Read>();
  return (query, operationName) => {
    if (typeof query !== 'string' || query === '') return refused('POST body must have the text of an operation as "query".');
    const read = known.get(query) ?? readDocument(schema, query);
    // Again to the end: what is not used is at the beginning, and goes first.
    known.delete(query);
    known.set(query, read);
    for (const oldest of known.keys()) if (known.size > mostKept) known.delete(oldest);
    else break;
    if ('errors' in read) return read;
    const operation = getOperationAST(read.document, typeof operationName === 'string' && operationName !== '' ? operationName : null);
    return operation ? { document: read.document, kind: operation.operation } : refused('Which operation to run is not known: "operationName" must name one of them.');
  };
}

function readDocument(schema: GraphQLSchema, query: string): Read {
  if (query.length > longestQuery) return refused(`The operation is over ${longestQuery} characters.`);
  try {
    const document = parse(query, { maxTokens: mostTokens });
    const errors = validate(schema, document, undefined, { maxErrors: mostErrors });
    return errors.length > 0 ? { errors: errors.map((error) => coded(error, 'GRAPHQL_VALIDATION_FAILED')) } : { document };
  } catch (error) {
    if (error instanceof GraphQLError) return { errors: [coded(error, 'GRAPHQL_PARSE_FAILED')] };
    // Nested deeper than the parser's stack.
    if (error instanceof RangeError) return refused('The operation is nested too deep.');
    throw error;
  }
}

function refused(message: string): { errors: readonly GraphQLError[] } {
  return { errors: [new GraphQLError(message, { extensions: { code: 'BAD_REQUEST' } })] };
}

function coded({ message, source, positions }: GraphQLError, code: string): GraphQLError {
  return new GraphQLError(message, { ...source && positions && { source, positions }, extensions: { code } });
}
