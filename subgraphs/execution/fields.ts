import {
  type FieldNode, getArgumentValues, getNamedType, GraphQLError, type GraphQLField, type GraphQLObjectType, type GraphQLResolveInfo, isLeafType, isNonNullType, locatedError,
  responsePathAsArray, SchemaMetaFieldDef, type SelectionSetNode, TypeMetaFieldDef, TypeNameMetaFieldDef, visit,
} from 'graphql';
import { type Complete, completerOf, plainTests } from './completion.ts';
import { type Around, isPromise, type Path, type Run, Stopped } from './run.ts';
import { fieldsOf, type Variables } from './selections.ts';

type Definition = GraphQLField<unknown, unknown>;
/** Answers one field of an object; a promise where its resolver or something below gives one. */
type Answer = (source: unknown, run: Run, parent: Path | undefined) => unknown;
/** Answers an object: all its fields. */
export type Select = (source: unknown, run: Run, path: Path | undefined) => unknown;

export type Member = { field: CompiledField; answer: Answer };

/** One field of an operation, on objects of one concrete type. */
export type CompiledField = {
  key: string;
  /** `Type.field`. */
  label: string;
  nodes: readonly FieldNode[];
  definition: Definition;
  infoAt(run: Run, path: Path): GraphQLResolveInfo;
  /** Null after the error was noted; throws it, located, where null may not stand. */
  fail(error: unknown, run: Run, path: Path, isNonNull: boolean): null;
};

/** Compiles an operation for one outcome of its @skip and @include; objects of a type when the first of them is met. */
export class Compiler {
  readonly #around: Around;
  readonly #conditions: Variables;
  #fields = 0;

  constructor(around: Around, conditions: Variables) {
    this.#around = around;
    this.#conditions = conditions;
  }

  /** All fields of objects of `type`. */
  select(type: GraphQLObjectType, sets: readonly SelectionSetNode[]): Select {
    let select: Select | null = null;
    return (source, run, path) => {
      select ??= selectAll(this.membersOf(type, sets), type);
      return select(source, run, path);
    };
  }

  membersOf(type: GraphQLObjectType, sets: readonly SelectionSetNode[]): Member[] {
    return this.#fieldsOf(type, sets).map((field) => ({ field, answer: this.#answerOf(field) }));
  }

  #fieldsOf(type: GraphQLObjectType, sets: readonly SelectionSetNode[]): CompiledField[] {
    const { schema, fragments } = this.#around;
    return [...fieldsOf(schema, fragments, this.#conditions, type, sets)].flatMap(([key, nodes]) => {
      const definition = definitionOf(this.#around, type, nodes[0]?.name.value ?? '');
      return definition ? [compiledField(key, nodes, definition, type)] : [];
    });
  }

  #answerOf(field: CompiledField): Answer {
    const { definition, key, label } = field;
    const typename = label.slice(0, label.indexOf('.'));
    const complete = completerOf(definition.type, field, this);
    const isNonNull = isNonNullType(definition.type);
    const resolve = resolverOf(field, this.#fields++);
    return (source, run, parent) => {
      const path: Path = { prev: parent, key, typename };
      try {
        const value = resolve(source, run, path);
        if (isPromise(value)) return later(value, complete, run, path, field, isNonNull);
        const completed = complete(value, run, path);
        return isPromise(completed) ? completed.then(undefined, (error: unknown) => field.fail(error, run, path, isNonNull)) : completed;
      } catch (error) {
        return field.fail(error, run, path, isNonNull);
      }
    };
  }
}

function resolverOf(field: CompiledField, number: number): (source: unknown, run: Run, path: Path) => unknown {
  const { definition: { name, resolve } } = field;
  const argumentsOf = prepareArguments(field, number);
  if (resolve) return (source, run, path) => resolve(source, argumentsOf(run), run.context, field.infoAt(run, path));
  return (source, run, path) => {
    const value = isObjectLike(source) ? source[name] : undefined;
    return typeof value === 'function' ? Reflect.apply(value, source, [argumentsOf(run), run.context, field.infoAt(run, path)]) as unknown : value;
  };
}

function later(value: Promise<unknown>, complete: Complete, run: Run, path: Path, field: CompiledField, isNonNull: boolean): Promise<unknown> {
  const fail = (error: unknown): null => field.fail(error, run, path, isNonNull);
  return value.then((resolved) => {
    try {
      const completed = complete(resolved, run, path);
      return isPromise(completed) ? completed.then(undefined, fail) : completed;
    } catch (error) {
      return fail(error);
    }
  }, fail);
}

function compiledField(key: string, nodes: readonly FieldNode[], definition: Definition, parentType: GraphQLObjectType): CompiledField {
  return {
    key, nodes, definition, label: `${parentType.name}.${definition.name}`,
    infoAt: ({ around: { schema, fragments, operation }, rootValue, variables }, path) => (
      { fieldName: definition.name, fieldNodes: nodes, returnType: definition.type, parentType, path, schema, fragments, rootValue, operation, variableValues: variables }
    ),
    fail(error, run, path, isNonNull) {
      if (error instanceof Stopped) throw error;
      const located = locatedError(error, nodes, responsePathAsArray(path));
      if (isNonNull) throw located;
      run.report(located, path);
      return null;
    },
  };
}

function definitionOf({ schema }: Around, type: GraphQLObjectType, name: string): Definition | undefined {
  if (name === TypeNameMetaFieldDef.name) return TypeNameMetaFieldDef;
  if (type === schema.getQueryType() && name === SchemaMetaFieldDef.name) return SchemaMetaFieldDef;
  if (type === schema.getQueryType() && name === TypeMetaFieldDef.name) return TypeMetaFieldDef;
  return type.getFields()[name];
}

/** Read once for all objects of a run, or once for all runs; each resolver gets an object of its own. */
function prepareArguments({ definition, nodes }: CompiledField, number: number): (run: Run) => Record<string, unknown> {
  const [node] = nodes;
  if (definition.args.length === 0 || !node) return () => ({});
  const constant = hasVariables(node) ? null : constantArguments(definition, node);
  if (constant) return () => ({ ...constant });
  return (run) => ({ ...run.known[number] ??= getArgumentValues(definition, node, run.variables) });
}

function hasVariables(node: FieldNode): boolean {
  let found = false;
  for (const argument of node.arguments ?? []) visit(argument, { Variable: () => void (found = true) });
  return found;
}

/** Null where they are wrong, which every run has to say. */
function constantArguments(definition: Definition, node: FieldNode): Record<string, unknown> | null {
  try {
    return getArgumentValues(definition, node, {});
  } catch (error) {
    if (error instanceof GraphQLError) return null;
    throw error;
  }
}

/**
 * Written as code for its fields: an object of one shape, made at once, and properties read by constant names, take a fraction of what a map
 * filled key by key does. What is neither a property that is its own answer nor a type name is left to the field.
 */
function selectAll(members: readonly Member[], type: GraphQLObjectType): Select {
  const lines = members.map(({ field }, index) => memberCode(field, index, type));
  const all = members.map((_, index) => `v${index}`);
  const made = (values: readonly string[]): string => `{ ${members.map(({ field }, index) => `[${JSON.stringify(field.key)}]: ${values[index] ?? ''}`).join(', ')} }`;
  const source = `'use strict';
    const make = (all) => (${made(members.map((_, index) => `all[${index}]`))});
    return (s, r, p) => {
      const o = typeof s === 'object' && s !== null || typeof s === 'function' ? s : nothing;
      let ${['isPending = false', ...all].join(', ')};
      try { ${lines.join('\n')} } catch (error) { if (isPending) return after([${all.join(', ')}], error); throw error; }
      return isPending ? Promise.all([${all.join(', ')}]).then(make) : ${made(all)};
    };`;
  // oxlint-disable-next-line typescript/no-implied-eval -- names come from a validated document, and are quoted
  return (new Function('answers', 'isPromise', 'after', 'nothing', source) as (...given: unknown[]) => Select)(members.map(({ answer }) => answer), isPromise, failAfter, {});
}

function memberCode({ definition }: CompiledField, index: number, type: GraphQLObjectType): string {
  const v = `v${index}`;
  if (definition === TypeNameMetaFieldDef) return `${v} = ${JSON.stringify(type.name)};`;
  const asked = `{ ${v} = answers[${index}](s, r, p); if (isPromise(${v})) isPending = true; }`;
  const leaf = getNamedType(definition.type);
  const test = definition.resolve || !isLeafType(leaf) || String(definition.type).startsWith('[') ? undefined : plainTests.get(leaf);
  return test === undefined ? asked : `${v} = o[${JSON.stringify(definition.name)}]; if (!(${test.replaceAll(/\bv\b/g, v)})) ${asked}`;
}

/** The error, when nothing of the others is under way any more. */
function failAfter(values: readonly unknown[], error: unknown): Promise<never> {
  return Promise.all(values).then(() => { throw error; }, () => { throw error; });
}

function isObjectLike(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null || typeof value === 'function';
}
