import { type DocumentNode, getOperationAST, GraphQLError, type GraphQLSchema, type OperationTypeNode, parse, validate } from 'graphql';
import { guardDocument, guardSource, type OperationLimits } from '../operation-limits.ts';

/** One operation, read, or why it cannot run. */
export type ReadOperation = { document: DocumentNode; kind: OperationTypeNode } | { errors: readonly GraphQLError[] };

/** Reads the text of an operation: parsed and validated once for all requests. */
export type Documents = (query: unknown, operationName: unknown) => ReadOperation;

const mostKept = 1_000;
const mostErrors = 20;
/** Names that exist are proposed to nobody: a gateway knows them, and strangers who reach a subgraph shall not find them. */
const hideSuggestions = true;
/** What a gateway's plan asks for has its clients' selections and keys beside them; more is no gateway's, or one's that lets everything through. */
const limits: OperationLimits = {
  sourceCharacters: 200_000, tokens: 20_000, nesting: 150, fragments: 1_000, depth: 64, selections: 20_000, aliases: 2_000, rootFields: 200, directives: 1_000, comparisons: 20_000, variables: 500,
};
const maxNesting = 100;

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
  try {
    guardSource(query, limits);
    const document = parse(query, { maxTokens: limits.tokens });
    guardDocument(document, limits, maxNesting);
    const errors = validate(schema, document, undefined, { maxErrors: mostErrors, hideSuggestions });
    return errors.length > 0 ? { errors: errors.map((error) => coded(error, 'GRAPHQL_VALIDATION_FAILED')) } : { document };
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    return { errors: [error.extensions['code'] === undefined ? coded(error, 'GRAPHQL_PARSE_FAILED') : error] };
  }
}

function refused(message: string): { errors: readonly GraphQLError[] } {
  return { errors: [new GraphQLError(message, { extensions: { code: 'BAD_REQUEST' } })] };
}

function coded({ message, source, positions }: GraphQLError, code: string): GraphQLError {
  return new GraphQLError(message, { ...source && positions && { source, positions }, extensions: { code } });
}
