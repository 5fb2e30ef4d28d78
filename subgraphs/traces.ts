import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';

/** Where a piece of work stands in the trace of a request: the value of a `traceparent` header (W3C Trace Context, version 00). */
export type Trace = string & { readonly __brand: 'Trace' };

export type SpanKind = 'server' | 'client' | 'consumer' | 'internal';
export type SpanOptions = { kind: SpanKind; /** Null: it begins a trace. */ parent: Trace | null; attributes?: Readonly<Record<string, string | number>> };

/** A piece of work that is being measured. */
export type Span = {
  /** What the work below it hangs on. */
  trace: Trace;
  end(outcome?: { failed?: boolean; attributes?: Readonly<Record<string, string | number>> }): void;
};

/** Tells a collector what took how long. */
export type Tracer = {
  start(name: string, options: SpanOptions): Span;
  /** Sends what is not sent yet. */
  close(): Promise<void>;
};

const running = new AsyncLocalStorage<Trace>();
const pattern = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/;

/** The trace that a header names; null for none, and for one that is not well formed or all zeros. */
export function readTrace(header: unknown): Trace | null {
  if (typeof header !== 'string') return null;
  const match = pattern.exec(header);
  return match && !/^0+$/.test(match[1] ?? '') && !/^0+$/.test(match[2] ?? '') ? (header as Trace) : null;
}

/** A trace of its own, which nobody records: it has the digits of a request's id where that is a UUID, so that one is found by the other. */
export function beginTrace(requestId: string): Trace {
  const digits = (/^[0-9a-f-]{36}$/.test(requestId) ? requestId : randomUUID()).replaceAll('-', '');
  return (digits.length === 32 ? `00-${digits}-${digits.slice(16)}-00` : beginTrace(randomUUID())) as Trace;
}

/** The 32 digits by which all parts of a trace are found. */
export const traceIdOf = (trace: Trace): string => trace.slice(3, 35);

/** The trace of the request or job that is being worked on. */
export const currentTrace = (): Trace | null => running.getStore() ?? null;

/** Does work that is a part of a trace: jobs that it enqueues, and messages that it sends, carry the trace on. */
export const withinTrace = <T>(trace: Trace, work: () => T): T => running.run(trace, work);

/** Does work under a span of its own where there is a tracer, else under `parent`. */
export async function spanned<T>(tracer: Tracer | null, name: string, options: SpanOptions, work: (trace: Trace | null) => Promise<T>): Promise<T> {
  if (!tracer) return options.parent ? withinTrace(options.parent, () => work(options.parent)) : work(null);
  const span = tracer.start(name, options);
  try {
    const result = await withinTrace(span.trace, () => work(span.trace));
    span.end();
    return result;
  } catch (error) {
    span.end({ failed: true });
    throw error;
  }
}
