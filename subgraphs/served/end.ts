import type { ServerResponse } from 'node:http';
import { Failure } from '../../schema/failures.ts';

/** The header in which the gateway says how many milliseconds are left for a change, which is undone in time when they do not suffice. */
export const timeLeftHeader = 'x-lookgraph-time-left';

/** Gives the signal that tells an operation to stop: its caller has gone, or its time is over. Made when it is first asked for, which is seldom. */
export function endOf(response: ServerResponse, timeoutMs: number): () => AbortSignal {
  const startedAt = performance.now();
  let controller: AbortController | null = null;
  return () => {
    if (controller) return controller.signal;
    const made = controller = new AbortController();
    const stop = (message: string): void => made.abort(new Failure('UNAVAILABLE', message));
    const timer = setTimeout(() => stop(`The operation took longer than ${Math.ceil(timeoutMs / 1000)} s.`), timeoutMs - (performance.now() - startedAt));
    const closed = (): void => {
      clearTimeout(timer);
      if (!response.writableFinished) stop('The operation was canceled.');
    };
    if (response.closed) closed();
    else response.once('close', closed);
    return made.signal;
  };
}
