/**
 * The closed list of refusals: what a caller may be told. The graph prints them as `ErrorCode`, each REST dialect maps every one of them
 * to a status, so a code added here does not compile until all dialects answer it.
 */
export const failureCodes = [
  'VALIDATION', 'UNAUTHENTICATED', 'FORBIDDEN', 'NOT_FOUND', 'CONFLICT', 'INSUFFICIENT_CREDITS', 'RATE_LIMITED', 'IMAGE_REJECTED',
  'IDEMPOTENCY_CONFLICT', 'LAST_KEY', 'UNAVAILABLE', 'ALREADY_DELETED', 'LIMIT_REACHED',
] as const;
export type FailureCode = (typeof failureCodes)[number];

/** What some refusals carry besides their sentence. */
export type FailureDetail = {
  /** Where in the input, from the mutation's arguments. */
  path?: readonly string[];
  existingId?: string;
  required?: number;
  available?: number;
  issues?: readonly string[];
  retryAfterSeconds?: number;
};

/** A refusal: expected, worded for the caller, nothing was changed. Everything else that is thrown is a fault and is masked. */
export class Failure extends Error {
  readonly code: FailureCode;
  readonly detail: FailureDetail;

  constructor(code: FailureCode, message: string, detail: FailureDetail = {}) {
    super(message);
    this.name = 'Failure';
    this.code = code;
    this.detail = detail;
  }
}
