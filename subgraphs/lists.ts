import { defaultFieldResolver, getNullableType, type GraphQLField, type GraphQLSchema, isListType, isObjectType } from 'graphql';
import { Failure } from '../schema/failures.ts';
import { mostItems } from './paging.ts';

type Slice = { first: number; offset: number };

/**
 * Lists that are known as a whole, and are no connections, give the part that `first` and `offset` ask for: their resolvers need not know. Refuses
 * with VALIDATION a `first` that is not 1 to 100. The schema is changed: it must not be in use yet.
 */
export function limitLists(schema: GraphQLSchema): void {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    for (const field of Object.values(type.getFields())) if (isListType(getNullableType(field.type)) && takes(field, 'first') && takes(field, 'offset')) limit(field);
  }
}

const takes = ({ args }: GraphQLField<unknown, unknown>, name: string): boolean => args.some((argument) => argument.name === name);

function limit(field: GraphQLField<unknown, unknown>): void {
  const { resolve = defaultFieldResolver } = field;
  field.resolve = async (source, args, context, info) => {
    const { first, offset } = sliceOf(args);
    const list: unknown = await resolve(source, args, context, info);
    return Array.isArray(list) ? list.slice(offset, offset + first) : list;
  };
}

function sliceOf({ first, offset }: { first?: number | null; offset?: number | null }): Slice {
  const count = first ?? mostItems;
  if (count < 1 || count > mostItems) throw new Failure('VALIDATION', `first must be a whole number from 1 to ${mostItems}`, { path: ['first'] });
  if ((offset ?? 0) < 0) throw new Failure('VALIDATION', 'offset must be 0 or more', { path: ['offset'] });
  return { first: count, offset: offset ?? 0 };
}
