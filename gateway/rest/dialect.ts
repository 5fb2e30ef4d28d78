import type { Failure, FailureCode, FailureDetail } from '../../schema/failures.ts';
import type { RateFamily } from '../../subgraphs/rates.ts';

/** A refusal in the words of one documented API. */
export type Refusal = { status: number; code: string; message: string; detail?: FailureDetail };

/** What the endpoints of one documented API share. */
export type Dialect = {
  /** The header that carries the key, and what a request without one is told. */
  credential: 'x-api-key' | 'authorization' | 'x-partner-api-key';
  missingKey: Refusal;
  invalidKeyMessage: string;
  /** Every refusal has a status here, so a code that is added does not compile before it has one. */
  status: Record<FailureCode, number>;
  /** By which the requests of a key are counted. Without: they are not. */
  rate?: RateFamily | undefined;
  /** The body of a refusal or a fault. */
  error(refusal: Refusal): unknown;
};

const aihairstylesStatus = {
  VALIDATION: 400, UNAUTHENTICATED: 401, FORBIDDEN: 403, NOT_FOUND: 404, CONFLICT: 409, INSUFFICIENT_CREDITS: 402, RATE_LIMITED: 429,
  IMAGE_REJECTED: 400, IDEMPOTENCY_CONFLICT: 422, LAST_KEY: 400, UNAVAILABLE: 503, ALREADY_DELETED: 404, LIMIT_REACHED: 429,
} as const satisfies Record<FailureCode, number>;

const aihairstyles = {
  credential: 'x-api-key',
  missingKey: { status: 401, code: 'UNAUTHENTICATED', message: 'No API key provided' },
  invalidKeyMessage: 'Invalid API key',
  status: aihairstylesStatus,
  rate: 'hairstyles',
} as const satisfies Partial<Dialect>;

/** AIHairstyles, `GET /styles` and `/colors`. */
export const catalogueDialect: Dialect = { ...aihairstyles, error: ({ message }) => ({ data: null, message, error: true }) };

/** AIHairstyles, everything under `/generation`, and every other path below `/api/v1`. */
export const generationDialect: Dialect = { ...aihairstyles, error: ({ message }) => ({ data: null, message, status: 'error' }) };

/** AIHairstyles, "Enterprise API", whose errors the document leaves open: every shape of the others, and what the refusal knows besides. */
export const enterpriseDialect: Dialect = {
  ...aihairstyles,
  rate: 'enterprise',
  error: ({ message, detail: { existingId, required, available } = {} }) => ({
    success: false, data: null, message, status: 'error', ...existingId !== undefined && { existing_id: existingId }, ...required !== undefined && { required, available },
  }),
};

/** AIHairstyles, "Partner API": a key that is no partner's is an invalid one, as the document has no 403. */
export const partnerDialect: Dialect = {
  ...generationDialect,
  credential: 'x-partner-api-key',
  rate: 'partner',
  status: { ...aihairstylesStatus, FORBIDDEN: 401 },
};

const headshotStatus = { ...aihairstylesStatus, CONFLICT: 400, ALREADY_DELETED: 400 } as const satisfies Record<FailureCode, number>;

/** The headshot API, `/api/v2`. */
export const headshotDialect: Dialect = {
  ...aihairstyles,
  credential: 'authorization',
  missingKey: { status: 401, code: 'UNAUTHENTICATED', message: 'Invalid API key' },
  status: headshotStatus,
  rate: 'headshot',
  error: (refusal) => ({ success: false, error: refusal.code === 'INSUFFICIENT_CREDITS' ? 'Insufficient credits' : refusal.message, code: headshotCodeOf(refusal) }),
};

/** What the document calls a refusal; for what it does not name, the nearest that it does. */
function headshotCodeOf({ status, code, detail }: Refusal): string {
  const path = detail?.path ?? [];
  const field = path.at(-1);
  if (code === 'VALIDATION') return field === 'email' || (path[0] === 'emails' && path.length > 1) ? 'INVALID_EMAIL' : 'INVALID_REQUEST';
  // A name that is taken is a wrong request there; a person who is known exists already.
  if (code === 'CONFLICT') return field === 'name' ? 'INVALID_REQUEST' : 'ALREADY_EXISTS';
  const known: Record<string, string> = {
    UNAUTHENTICATED: 'UNAUTHORIZED', UNAUTHORIZED: 'UNAUTHORIZED', FORBIDDEN: 'FORBIDDEN', NOT_FOUND: 'NOT_FOUND', INSUFFICIENT_CREDITS: 'INSUFFICIENT_CREDITS',
    RATE_LIMITED: 'RATE_LIMIT_EXCEEDED', LIMIT_REACHED: 'INVITE_LIMIT_EXCEEDED', ALREADY_DELETED: 'ALREADY_DELETED',
  };
  return known[code] ?? (status >= 500 ? 'INTERNAL_ERROR' : 'INVALID_REQUEST');
}

/** The skin-shade API, every other path. */
export const skinshadeDialect: Dialect = {
  ...aihairstyles,
  rate: undefined,
  missingKey: { status: 403, code: 'UNAUTHENTICATED', message: 'Missing or invalid API key' },
  invalidKeyMessage: 'Missing or invalid API key',
  status: { ...aihairstylesStatus, UNAUTHENTICATED: 403 },
  error: ({ message }) => ({ error: message }),
};

/** The family that an unknown path belongs to. */
export function dialectOf(path: string): Dialect {
  if (/^\/api\/v1\/(styles|colors)(\/|$)/.test(path)) return catalogueDialect;
  if (/^\/api\/v1\/enterprise(\/|$)/.test(path)) return enterpriseDialect;
  if (/^\/api\/v1(\/|$)/.test(path)) return generationDialect;
  return /^\/api\/v2(\/|$)/.test(path) ? headshotDialect : skinshadeDialect;
}

/** A failure in the words of a dialect. What is wrong with a picture decides more than that it was refused. */
export function refusalOf(dialect: Dialect, { code, message, detail }: Failure): Refusal {
  const issue = code === 'IMAGE_REJECTED' ? detail.issues?.[0] : undefined;
  if (issue === 'UNREACHABLE') return { status: 404, code: 'NOT_FOUND', message };
  return { status: dialect.status[code], code, message, detail };
}
