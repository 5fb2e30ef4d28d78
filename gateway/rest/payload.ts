import { Failure, type FailureCode, type FailureDetail } from '../../schema/failures.ts';

type ErrorOfPayload = { readonly code: FailureCode; readonly message: string; readonly path: readonly string[] | null; readonly issues?: readonly string[]; readonly existingId?: string | null; readonly required?: number; readonly available?: number; readonly retryAfterSeconds?: number };

/** What a mutation made, or its refusal as a Failure. */
export function accepted<Made>(made: Made | null, [error]: readonly ErrorOfPayload[]): Made {
  if (error) throw new Failure(error.code, error.message, detailOf(error));
  if (made === null) throw new TypeError('a payload without errors has its result');
  return made;
}

function detailOf({ path, issues, existingId, required, available, retryAfterSeconds }: ErrorOfPayload): FailureDetail {
  const books = required === undefined || available === undefined ? {} : { required, available };
  return { ...path && { path }, ...issues && { issues }, ...existingId && { existingId }, ...retryAfterSeconds !== undefined && { retryAfterSeconds }, ...books };
}
