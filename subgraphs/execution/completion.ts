import {
  GraphQLBoolean, GraphQLError, GraphQLFloat, GraphQLID, GraphQLInt, type GraphQLAbstractType, type GraphQLLeafType, type GraphQLObjectType, type GraphQLOutputType, type GraphQLResolveInfo,
  GraphQLString, isAbstractType, isLeafType, isListType, isNonNullType, isObjectType,
} from 'graphql';
import { inspect } from 'node:util';
import type { CompiledField, Compiler } from './fields.ts';
import { isPromise, type Path, type Run } from './run.ts';

/** Makes what a resolver gave into a part of the answer, or a promise of it. Throws what must become null further up. */
export type Complete = (value: unknown, run: Run, path: Path) => unknown;

/** Completes values of one type at one field of an operation. */
export function completerOf(type: GraphQLOutputType, field: CompiledField, compiler: Compiler): Complete {
  if (isNonNullType(type)) return completeNonNull(completerOf(type.ofType, field, compiler), field);
  if (isListType(type)) return completeList(type.ofType, field, compiler);
  if (isLeafType(type)) return completeLeaf(type);
  if (isObjectType(type)) return completeObject(type, field, compiler);
  if (isAbstractType(type)) return completeAbstract(type, field, compiler);
  throw new Error(`a field has a type that is no output: ${String(type)}`);
}

function completeNonNull(inner: Complete, { label }: CompiledField): Complete {
  return (value, run, path) => {
    const completed = inner(value, run, path);
    if (completed === null) throw new Error(`Cannot return null for non-nullable field ${label}.`);
    return completed;
  };
}

/** Whether a value is its own serialization; for the scalars that every schema has. */
export const plainTests = new Map<unknown, string>([
  [GraphQLString, "typeof v === 'string'"], [GraphQLID, "typeof v === 'string'"], [GraphQLBoolean, "typeof v === 'boolean'"],
  [GraphQLInt, "typeof v === 'number' && (v | 0) === v"], [GraphQLFloat, "typeof v === 'number' && Number.isFinite(v)"],
]);

function completeLeaf(type: GraphQLLeafType): Complete {
  return (value) => {
    if (value instanceof Error) throw value;
    if (value === null || value === undefined) return null;
    const serialized: unknown = type.serialize(value);
    if (serialized === null || serialized === undefined) throw new Error(`Expected \`${type.name}.serialize(${inspect(value)})\` to return non-nullable value, returned: ${inspect(serialized)}`);
    return serialized;
  };
}

function completeList(itemType: GraphQLOutputType, field: CompiledField, compiler: Compiler): Complete {
  const complete = completerOf(itemType, field, compiler);
  const isNonNull = isNonNullType(itemType);
  const item = (value: unknown, run: Run, list: Path, index: number): unknown => {
    const path: Path = { prev: list, key: index, typename: undefined };
    const fail = (error: unknown): null => field.fail(error, run, path, isNonNull);
    try {
      if (isPromise(value)) {
        return value.then((resolved) => {
          try {
            const completed = complete(resolved, run, path);
            return isPromise(completed) ? completed.then(undefined, fail) : completed;
          } catch (error) {
            return fail(error);
          }
        }, fail);
      }
      const completed = complete(value, run, path);
      return isPromise(completed) ? completed.then(undefined, fail) : completed;
    } catch (error) {
      return fail(error);
    }
  };
  return (value, run, path) => {
    if (value instanceof Error) throw value;
    if (value === null || value === undefined) return null;
    if (typeof value !== 'object' || !(Symbol.iterator in value)) throw new GraphQLError(`Expected Iterable, but did not find one for field "${field.label}".`);
    const values: readonly unknown[] = Array.isArray(value) ? value : [...value as Iterable<unknown>];
    const completed: unknown[] = [];
    let isPending = false;
    try {
      for (let index = 0; index < values.length; index++) {
        const one = item(values[index], run, path, index);
        completed.push(one);
        if (isPromise(one)) isPending = true;
      }
    } catch (error) {
      // They answer to nobody any more, but may fail.
      for (const one of completed) if (isPromise(one)) one.then(undefined, () => undefined);
      throw error;
    }
    return isPending ? Promise.all(completed) : completed;
  };
}

function completeObject(type: GraphQLObjectType, field: CompiledField, compiler: Compiler): Complete {
  const select = compiler.select(type, field.nodes.flatMap(({ selectionSet }) => selectionSet ?? []));
  const { isTypeOf } = type;
  return (value, run, path) => {
    if (value instanceof Error) throw value;
    if (value === null || value === undefined) return null;
    run.countObject();
    if (!isTypeOf) return select(value, run, path);
    const checked = (isIt: boolean): unknown => {
      if (!isIt) throw new GraphQLError(`Expected value of type "${type.name}" but got: ${inspect(value)}.`, { nodes: field.nodes });
      return select(value, run, path);
    };
    const isIt = isTypeOf(value, run.context, field.infoAt(run, fieldPath(path)));
    return isPromise(isIt) ? isIt.then(checked) : checked(isIt);
  };
}

function completeAbstract(type: GraphQLAbstractType, field: CompiledField, compiler: Compiler): Complete {
  const objects = new Map<string, Complete>();
  const ofType = (typeName: unknown, run: Run, value: unknown): Complete => {
    const known = objects.get(typeName as string);
    if (known) return known;
    const object = checkedType(typeName, type, field, run, value);
    const made = completeObject(object, field, compiler);
    objects.set(object.name, made);
    return made;
  };
  return (value, run, path) => {
    if (value instanceof Error) throw value;
    if (value === null || value === undefined) return null;
    const typeName = type.resolveType
      ? type.resolveType(value, run.context, field.infoAt(run, fieldPath(path)), type)
      : typeNameOf(value, type, run, field.infoAt(run, fieldPath(path)));
    return isPromise(typeName) ? typeName.then((name) => ofType(name, run, value)(value, run, path)) : ofType(typeName, run, value)(value, run, path);
  };
}

/** As graphql-js finds a type where nobody says how: by the value's own word, or by asking each possible type. */
function typeNameOf(value: unknown, type: GraphQLAbstractType, { around: { schema }, context }: Run, info: GraphQLResolveInfo): unknown {
  const said: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, '__typename') : undefined;
  if (typeof said === 'string') return said;
  const possible = schema.getPossibleTypes(type);
  const answers = possible.map(({ isTypeOf }) => isTypeOf?.(value, context, info) ?? false);
  if (!answers.some(isPromise)) return possible[answers.indexOf(true)]?.name;
  return Promise.all(answers.map(async (answer) => answer)).then((all) => possible[all.indexOf(true)]?.name);
}

function checkedType(typeName: unknown, type: GraphQLAbstractType, { label, nodes }: CompiledField, { around: { schema } }: Run, value: unknown): GraphQLObjectType {
  if (typeName === null || typeName === undefined) {
    throw new GraphQLError(`Abstract type "${type.name}" must resolve to an Object type at runtime for field "${label}". Either the "${type.name}" type should provide a "resolveType" function or each possible type should provide an "isTypeOf" function.`, { nodes });
  }
  if (isObjectType(typeName)) throw new GraphQLError('Support for returning GraphQLObjectType from resolveType was removed in graphql-js@16.0.0 please return type name instead.');
  if (typeof typeName !== 'string') throw new GraphQLError(`Abstract type "${type.name}" must resolve to an Object type at runtime for field "${label}" with value ${inspect(value)}, received "${inspect(typeName)}".`);
  const found = schema.getType(typeName);
  if (!found) throw new GraphQLError(`Abstract type "${type.name}" was resolved to a type "${typeName}" that does not exist inside the schema.`, { nodes });
  if (!isObjectType(found)) throw new GraphQLError(`Abstract type "${type.name}" was resolved to a non-object type "${typeName}".`, { nodes });
  if (!schema.isSubType(type, found)) throw new GraphQLError(`Runtime Object type "${found.name}" is not a possible type for "${type.name}".`, { nodes });
  return found;
}

/** Where the field stands whose list an item is of. */
function fieldPath(path: Path): Path {
  let at = path;
  while (typeof at.key === 'number' && at.prev) at = at.prev;
  return at;
}
