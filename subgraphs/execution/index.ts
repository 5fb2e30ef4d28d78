import {
  type DocumentNode, type ExecutionResult, type FragmentDefinitionNode, getVariableValues, GraphQLError, type GraphQLObjectType, type GraphQLSchema, Kind, locatedError, type OperationDefinitionNode, OperationTypeNode,
} from 'graphql';
import { Compiler, type Select } from './fields.ts';
import { type Around, isPromise, Run } from './run.ts';
import { conditionVariables, type Variables } from './selections.ts';

/** One execution of a validated document. */
export type Execution = { document: DocumentNode; operationName?: string | null | undefined; variables: Variables; rootValue?: unknown; context: unknown };

/** Executes operations over one schema. Never rejects: what goes wrong is in the answer. */
export type Executor = (execution: Execution) => Promise<ExecutionResult> | ExecutionResult;

type Prepared = { around: Around; rootType: GraphQLObjectType; conditions: readonly string[]; programs: Map<string, Select> };

/** Operations whose conditions have come out in more ways are compiled for each request. */
const mostPrograms = 32;
const maxErrors = 50;

/**
 * Answers as graphql-js does, whose execution is the specification's text as code and walks document and schema for every object again. Here a
 * document is compiled when it is first run: to functions that know their field, its arguments and the shape of the object they make. Documents
 * are told apart by identity, and forgotten with it. Resolvers share what is nested in arguments with other calls of their field, and must not
 * change it. Answers have at most `mostObjects` objects.
 */
export function createExecutor(schema: GraphQLSchema): Executor {
  const known = new WeakMap<DocumentNode, Map<string | null, Prepared | ExecutionResult>>();
  return ({ document, operationName = null, variables, rootValue, context }) => {
    const operations = known.get(document) ?? new Map<string | null, Prepared | ExecutionResult>();
    known.set(document, operations);
    const prepared = operations.get(operationName) ?? prepare(schema, document, operationName);
    operations.set(operationName, prepared);
    if (!('around' in prepared)) return prepared;
    const { operation } = prepared.around;
    const { coerced, errors } = getVariableValues(schema, operation.variableDefinitions ?? [], variables, { maxErrors, hideSuggestions: true });
    if (errors) return { errors };
    const run = new Run(prepared.around, coerced, rootValue, context);
    try {
      const data = programOf(prepared, coerced)(rootValue, run, undefined);
      return isPromise(data) ? data.then((whole) => answerOf(run, whole), (error: unknown) => failed(run, error)) : answerOf(run, data);
    } catch (error) {
      return failed(run, error);
    }
  };
}

function prepare(schema: GraphQLSchema, document: DocumentNode, operationName: string | null): Prepared | ExecutionResult {
  const operations: OperationDefinitionNode[] = [];
  const fragments: Record<string, FragmentDefinitionNode> = Object.create(null);
  for (const node of document.definitions) {
    if (node.kind === Kind.OPERATION_DEFINITION) operations.push(node);
    else if (node.kind === Kind.FRAGMENT_DEFINITION) fragments[node.name.value] = node;
  }
  if (operationName === null && operations.length > 1) return refused('Must provide operation name if query contains multiple operations.');
  const operation = operationName === null ? operations[0] : operations.find(({ name }) => name?.value === operationName);
  if (!operation) return refused(operationName === null ? 'Must provide an operation.' : `Unknown operation named "${operationName}".`);
  const rootType = schema.getRootType(operation.operation);
  if (!rootType) return { errors: [new GraphQLError(`Schema is not configured to execute ${operation.operation} operation.`, { nodes: operation })], data: null };
  return { around: { schema, fragments, operation }, rootType, conditions: conditionVariables(document), programs: new Map() };
}

const refused = (message: string): ExecutionResult => ({ errors: [new GraphQLError(message)] });

function programOf({ around, rootType, conditions, programs }: Prepared, variables: Variables): Select {
  let key = '';
  for (const name of conditions) key += variables[name] === true ? '1' : '0';
  const known = programs.get(key);
  if (known) return known;
  const made = compile(around, rootType, variables);
  if (programs.size < mostPrograms) programs.set(key, made);
  return made;
}

function compile(around: Around, rootType: GraphQLObjectType, variables: Variables): Select {
  const compiler = new Compiler(around, variables);
  const { operation: { operation, selectionSet } } = around;
  if (operation !== OperationTypeNode.MUTATION) return compiler.select(rootType, [selectionSet]);
  const members = compiler.membersOf(rootType, [selectionSet]);
  return async (source, run) => {
    const data: Record<string, unknown> = {};
    // A change begins when the one before it is done.
    for (const { field, answer } of members) data[field.key] = await answer(source, run, undefined);
    return data;
  };
}

function answerOf({ errors }: Run, data: unknown): ExecutionResult {
  // It is what the compiled root made.
  const whole = data as Record<string, unknown>;
  return errors.length === 0 ? { data: whole } : { errors, data: whole };
}

function failed(run: Run, error: unknown): ExecutionResult {
  run.report(error instanceof GraphQLError ? error : locatedError(error, undefined), undefined);
  return { errors: run.errors, data: null };
}
