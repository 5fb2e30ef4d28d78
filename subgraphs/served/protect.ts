import { defaultFieldResolver, getNamedType, type GraphQLField, type GraphQLObjectType, type GraphQLSchema, isObjectType } from 'graphql';
import { Failure } from '../../schema/failures.ts';
import { declaredScopes, hasScopes } from '../scopes.ts';
import type { RequestContext } from '../subgraph.ts';

/**
 * Makes a schema keep @authenticated and @requiresScopes by itself, whatever gateway stands before it. The schema is changed: it must be of this
 * process alone.
 */
export function protect(schema: GraphQLSchema): void {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    for (const field of Object.values(type.getFields())) guard(type, field as GraphQLField<unknown, RequestContext>);
  }
}

function guard(type: GraphQLObjectType, field: GraphQLField<unknown, RequestContext>): void {
  const wanted = [type, field, getNamedType(field.type)].flatMap(declaredScopes);
  if (wanted.length === 0) return;
  const label = `${type.name}.${field.name}`;
  const check = ({ caller }: RequestContext): void => {
    if (!caller) throw new Failure('UNAUTHENTICATED', `${label} needs a credential.`);
    if (!wanted.every((alternatives) => hasScopes(alternatives, caller.scopes))) throw new Failure('FORBIDDEN', `The credential lacks a scope for ${label}.`);
  };
  const { resolve = defaultFieldResolver, subscribe } = field;
  field.resolve = (source, args, context, info) => {
    check(context);
    return resolve(source, args, context, info);
  };
  if (!subscribe) return;
  field.subscribe = (source, args, context, info) => {
    check(context);
    return subscribe(source, args, context, info);
  };
}
