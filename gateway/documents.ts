import {
  type DocumentNode, getOperationAST, GraphQLError, type GraphQLSchema, Kind, type OperationDefinitionNode, OperationTypeNode, parse, type SelectionSetNode, specifiedRules,
  validate, visit, getVariableValues,
} from 'graphql';
import type { Caller } from '../subgraphs/subgraph.ts';
import { isAllowed, requirementsIn, type Protection, type Requirement } from './authorization.ts';
import { type Cost, costOf } from './cost.ts';
import { hasDeferral, labelErrors } from './deferrals.ts';
import { extended, Rejected } from './errors.ts';
import { type Engine, type Executable, prepareExecutable } from './executor.ts';
import { guardDocument, guardSource, type Limits } from './limits.ts';
import { conditionVariables, specialise } from './operation.ts';
import { planKeysIn } from './plan-keys.ts';
import { RecentlyUsed } from './recently-used.ts';

/** One operation of a valid document. */
export type PreparedOperation = {
  kind: OperationTypeNode;
  /** The client's variables with defaults, as the public schema reads them. Throws Rejected. */
  coerce(variables: Readonly<Record<string, unknown>> | null | undefined): Readonly<Record<string, unknown>>;
  /** What it asks for with these variables at most, see cost.ts. */
  cost: Cost;
  /** Whether it asks for the schema. */
  introspects: boolean;
  /** Whether it asks for something later than the rest. */
  defers: boolean;
  /** The operation as this caller may run it with these variables; `inParts` where it may be answered so. */
  executable(caller: Caller | null, variables: Readonly<Record<string, unknown>>, inParts?: boolean): Executable | Promise<Executable>;
};

export type Documents = {
  /** A valid document within the limits. Throws Rejected. */
  read: (source: string) => DocumentNode;
  /** Throws Rejected. */
  get(source: string, operationName: string | null | undefined): PreparedOperation;
  /** Null for a text that must not be executed. */
  kindOf(operation: { source: string; operationName?: string | null | undefined }): OperationTypeNode | null;
  /** What is wrong with a text, whoever asks for it. */
  errorsOf(source: string): readonly GraphQLError[];
};

const cachedDocuments = 1_000;
const variantsPerDocument = 64;
const charactersPerWeight = 2_000;

/** Parses, limits and validates each text once. */
export function createDocuments(schema: GraphQLSchema, protection: Protection, engine: Engine, limits: Limits): Documents {
  const known = new RecentlyUsed<{ document: DocumentNode; operations: Map<string, PreparedOperation> }>(cachedDocuments);
  const read = (source: string) => {
    const found = known.get(source);
    if (found) return found;
    const made = { document: readDocument(source, schema, limits), operations: new Map<string, PreparedOperation>() };
    known.set(source, made, 1 + source.length / charactersPerWeight);
    return made;
  };
  const get: Documents['get'] = (source, operationName) => {
    const name = operationName ?? '';
    const { document, operations } = read(source);
    const found = operations.get(name);
    if (found) return found;
    const prepared = prepareOperation(document, chooseOperation(document, operationName), schema, protection, engine);
    operations.set(name, prepared);
    return prepared;
  };
  return {
    get,
    read: (source) => read(source).document,
    kindOf: ({ source, operationName }) => unlessRejected(() => get(source, operationName).kind, () => null),
    errorsOf: (source) => unlessRejected(() => (read(source), []), (errors) => errors),
  };
}

function unlessRejected<Value>(work: () => Value, otherwise: (errors: readonly GraphQLError[]) => Value): Value {
  try {
    return work();
  } catch (error) {
    if (error instanceof Rejected) return otherwise(error.errors);
    throw error;
  }
}

function readDocument(source: string, schema: GraphQLSchema, limits: Limits): DocumentNode {
  const document = withinLimits(() => {
    guardSource(source, limits);
    const parsed = parse(source, { maxTokens: limits.tokens });
    guardDocument(parsed, limits);
    return parsed;
  });
  const errors = [...reservedAliases(document), ...labelErrors(document), ...validate(schema, document, specifiedRules, { maxErrors: 20 })];
  if (errors.length > 0) throw new Rejected(errors.map((error) => coded(error, 'GRAPHQL_VALIDATION_FAILED')));
  return document;
}

function withinLimits(read: () => DocumentNode): DocumentNode {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    const isTooLong = error.message.includes('Parsing aborted');
    throw new Rejected([isTooLong ? coded(error, 'OPERATION_TOO_COMPLEX') : coded(error, 'GRAPHQL_PARSE_FAILED')]);
  }
}

/** Keys of an answer that begin with two underscores are introspection's, and `__proto__` is not a key like others. */
function reservedAliases(document: DocumentNode): GraphQLError[] {
  const errors: GraphQLError[] = [];
  visit(document, {
    Field(node) {
      if (node.alias?.value.startsWith('__')) errors.push(new GraphQLError(`Alias "${node.alias.value}" must not begin with two underscores.`, { nodes: node.alias }));
    },
  });
  return errors;
}

function chooseOperation(document: DocumentNode, operationName: string | null | undefined): OperationDefinitionNode {
  const operation = getOperationAST(document, operationName);
  if (operation) return operation;
  const isThere = document.definitions.some((node) => node.kind === Kind.OPERATION_DEFINITION);
  const message = operationName ? `Unknown operation named "${operationName}".`
    : isThere ? 'Must provide operation name if query contains multiple operations.' : 'Must provide an operation.';
  throw new Rejected([new GraphQLError(message, { extensions: { code: 'OPERATION_RESOLUTION_FAILURE' } })]);
}

function prepareOperation(document: DocumentNode, operation: OperationDefinitionNode, schema: GraphQLSchema, protection: Protection, engine: Engine): PreparedOperation {
  const definitions = operation.variableDefinitions ?? [];
  const declared = new Set(definitions.map(({ variable }) => variable.name.value));
  const conditions = conditionVariables(document).filter((name) => declared.has(name));
  const rootType = schema.getRootType(operation.operation)?.name ?? '';
  const everything = specialise(document, operation, null);
  const requirements = distinct(requirementsIn(protection, schema, rootType, everything).values());
  const variants = new RecentlyUsed<Executable | Promise<Executable>>(variantsPerDocument);
  const defers = operation.operation !== OperationTypeNode.SUBSCRIPTION && hasDeferral(document);
  const build = async (key: string, decided: ReadonlyMap<string, boolean>, refused: ReadonlySet<string>, inParts: boolean): Promise<Executable> => {
    try {
      const selectionSet = specialise(document, operation, decided, inParts);
      const denied = new Map([...requirementsIn(protection, schema, rootType, selectionSet)].filter(([, requirement]) => refused.has(requirement.key)));
      const executable = await prepareExecutable({ schema, supergraph: engine.supergraph, rootType, selectionSet, denied, planKeys: planKeysIn(selectionSet, engine.supergraph.references), deferred: new Set() }, operation, engine);
      variants.set(key, executable);
      return executable;
    } catch (error) {
      variants.delete(key);
      throw error;
    }
  };
  return {
    kind: operation.operation,
    cost: costOf(schema, engine.supergraph.schema, rootType, everything),
    introspects: introspectsIn(everything),
    defers,
    coerce: (variables) => definitions.length === 0 ? noVariables : coerce(schema, definitions, variables ?? noVariables),
    executable(caller, variables, inParts = false) {
      let key = inParts && defers ? 'p' : '';
      for (const name of conditions) key += isTrue(variables[name]) ? '1' : '0';
      for (const requirement of requirements) key += isAllowed(requirement, caller) ? '+' : '-';
      const known = variants.get(key);
      if (known) return known;
      const decided = new Map(conditions.map((name) => [name, isTrue(variables[name])]));
      const refused = new Set(requirements.filter((requirement) => !isAllowed(requirement, caller)).map((requirement) => requirement.key));
      const building = build(key, decided, refused, inParts && defers);
      variants.set(key, building);
      return building;
    },
  };
}

/** `__schema` and `__type` can only be asked for at the root. */
function introspectsIn({ selections }: SelectionSetNode): boolean {
  return selections.some((node) => node.kind === Kind.FIELD ? node.name.value === '__schema' || node.name.value === '__type' : node.kind === Kind.INLINE_FRAGMENT && introspectsIn(node.selectionSet));
}

/** A condition that is not given is one of @defer: its default is true. The others must have a value. */
const isTrue = (value: unknown): boolean => value === true || value === undefined;

const noVariables: Readonly<Record<string, unknown>> = Object.freeze({});

function distinct(requirements: Iterable<Requirement>): Requirement[] {
  return [...new Map([...requirements].map((requirement) => [requirement.key, requirement])).values()];
}

function coerce(schema: GraphQLSchema, definitions: NonNullable<OperationDefinitionNode['variableDefinitions']>, given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { coerced, errors } = getVariableValues(schema, definitions, given, { maxErrors: 20 });
  if (errors) throw new Rejected(errors.map((error) => coded(error, 'BAD_USER_INPUT')));
  return coerced;
}

function coded(error: GraphQLError, code: string): GraphQLError {
  return error.extensions['code'] ? error : extended(error, { code });
}
