import { ApolloServer, type ApolloServerOptionsWithGateway, HeaderMap } from '@apollo/server';
import { ApolloServerPluginCacheControlDisabled, ApolloServerPluginLandingPageDisabled } from '@apollo/server/plugin/disabled';
import { type DocumentNode, type ExecutionResult, type GraphQLError, type GraphQLSchema, Kind, OperationTypeNode } from 'graphql';
import type { Logger } from 'pino';
import type { RequestContext } from '../subgraphs/subgraph.ts';
import { extended, Rejected, withoutSuggestions } from './errors.ts';
import type { Graph } from './graphql.ts';

/** What the HTTP front hands over with a request; a new object for each. */
export type ApolloContext = RequestContext & { signal?: AbortSignal | undefined };

type Parts = {
  schema: GraphQLSchema;
  supergraphSdl: string;
  execute: Graph['execute'];
  /** Throws Rejected for a text that must not be executed. */
  read: (source: string) => DocumentNode;
  log: Logger;
};

/**
 * Apollo Server as the HTTP front of the graph: methods, request forgery, content types. The graph limits, parses,
 * validates and executes, each text once.
 */
export async function startApollo({ schema, supergraphSdl, execute, read, log }: Parts): Promise<ApolloServer<ApolloContext>> {
  const rejected = new WeakMap<DocumentNode, readonly GraphQLError[]>();
  const documentFor = (source: string, operationName: string | undefined): DocumentNode => {
    try {
      return read(source);
    } catch (error) {
      if (!(error instanceof Rejected)) throw error;
      const document = emptyQuery(operationName);
      rejected.set(document, error.errors);
      return document;
    }
  };
  const executor: GatewayExecutor = async ({ source, document, request, context }) => {
    const errors = rejected.get(document);
    // The context is what the front gave; Apollo's type of it is any record.
    const given = context as ApolloContext;
    if (errors) return forHttp({ errors: withoutSuggestions(errors, given) });
    return forHttp(await execute({ source, operationName: request.operationName, variables: request.variables, extensions: request.extensions, request: given, signal: given.signal }));
  };
  const server = new ApolloServer<ApolloContext>({
    ...settings(log),
    gateway: {
      onSchemaLoadOrUpdate(callback) {
        callback({ apiSchema: schema, coreSupergraphSdl: supergraphSdl });
        return () => undefined;
      },
      load: async () => ({ executor }),
      stop: async () => undefined,
    },
    plugins: [
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginLandingPageDisabled(),
      {
        requestDidStart: async () => ({
          didResolveSource: async (context) => void Object.assign(context, { document: documentFor(context.source, context.request.operationName) }),
          async willSendResponse({ request, response }) {
            if (response.body.kind === 'single' && response.body.singleResult.errors?.every(isOfTheDocument) && wantsOnlyJson(request.http?.headers.get('accept'))) response.http.status = 200;
          },
        }),
      },
    ],
  });
  await server.start();
  return server;
}

/**
 * Clients that know only application/json take another status than 200 for a broken connection: the specification keeps 4xx for them to requests that
 * are no GraphQL. In application/graphql-response+json, and where nothing is said, a document that cannot run is a 400.
 */
function wantsOnlyJson(accept: string | undefined): boolean {
  return accept !== undefined && accept.includes('application/json') && !accept.includes('application/graphql-response+json');
}

const codesOfDocuments: ReadonlySet<unknown> = new Set(['GRAPHQL_PARSE_FAILED', 'GRAPHQL_VALIDATION_FAILED', 'BAD_USER_INPUT']);
const isOfTheDocument = ({ extensions }: { extensions?: Record<string, unknown> }): boolean => codesOfDocuments.has(extensions?.['code']);

type GatewayExecutor = NonNullable<Awaited<ReturnType<NonNullable<ApolloServerOptionsWithGateway<ApolloContext>['gateway']>['load']>>['executor']>;

function settings(log: Logger): Partial<ApolloServerOptionsWithGateway<ApolloContext>> {
  return {
    // The graph gives every document, valid and within its limits, or one that stands for the errors of its text.
    dangerouslyDisableValidation: true,
    documentStore: null,
    // Texts by their hash are found before, for every protocol alike.
    persistedQueries: false,
    introspection: true,
    csrfPrevention: true,
    stopOnTerminationSignals: false,
    includeStacktraceInErrorResponses: false,
    formatError: (formatted, error) => {
      if (formatted.extensions?.['code'] !== 'INTERNAL_SERVER_ERROR') return formatted;
      log.error({ err: error }, 'fault in the HTTP front of the graph');
      return { message: 'Internal error', extensions: { code: 'INTERNAL' } };
    },
    logger: { debug: (text) => log.debug(text), info: (text) => log.info(text), warn: (text) => log.warn(text), error: (text) => log.error(text) },
  };
}

/** An operation that was rejected before it ran has no data; over HTTP that is a 400. */
function forHttp(answer: ExecutionResult): ExecutionResult<Record<string, unknown>, Record<string, unknown>> {
  const { errors, data, extensions } = answer;
  if (data !== undefined || !errors) return { ...answer, ...errors && { errors }, ...extensions && { extensions } };
  return { errors: errors.map(asBadRequest) };
}

const statuses = new Map<unknown, number>([['INTERNAL', 500], ['RATE_LIMITED', 429], ['UNAUTHENTICATED', 401]]);

function asBadRequest(error: GraphQLError): GraphQLError {
  const { code, retryAfterSeconds } = error.extensions;
  const headers = new HeaderMap();
  if (typeof retryAfterSeconds === 'number') headers.set('retry-after', String(retryAfterSeconds));
  return extended(error, { http: { status: statuses.get(code) ?? 400, headers } });
}

function emptyQuery(name: string | undefined): DocumentNode {
  const selectionSet = { kind: Kind.SELECTION_SET, selections: [] } as const;
  const operation = { kind: Kind.OPERATION_DEFINITION, operation: OperationTypeNode.QUERY, ...name && { name: { kind: Kind.NAME, value: name } as const }, selectionSet } as const;
  return { kind: Kind.DOCUMENT, definitions: [operation] };
}
