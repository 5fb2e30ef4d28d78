import type { z } from 'zod';
import { Failure } from '../../schema/failures.ts';

/** The body as the shape says. Refuses with VALIDATION and one sentence; a missing field is called missing, for that is the commonest mistake. */
export function readBody<Shape extends z.ZodType>(shape: Shape, body: unknown): z.output<Shape> {
  const parsed = shape.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path[0];
  const isMissing = typeof field === 'string' && typeof body === 'object' && body !== null && !(field in body);
  throw isMissing ? new Failure('VALIDATION', `${field} is required`) : new Failure('VALIDATION', issue?.message ?? 'The request body is wrong', { path: issue?.path.map(String) ?? [] });
}
