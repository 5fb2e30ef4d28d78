import type { GraphOperation } from './graphql.ts';

/** Who may share an answer: callers with one identity. Null: this request shares with nobody. */
export type IdentityOf = (request: GraphOperation['request']) => string | null;

type UnderWay = { answer: Promise<Buffer | null>; waiting: number; gone: AbortController };

/**
 * Identical queries of one identity that are under way at the same moment get one answer. Nothing is kept when it is given. The work stops when
 * everybody has gone who waits for it.
 */
export function createQueryJoining(identityOf: IdentityOf) {
  const underWay = new Map<string, UnderWay>();
  const start = (key: string, run: (signal: AbortSignal) => Promise<Buffer | null>): UnderWay => {
    const gone = new AbortController();
    const started: UnderWay = { waiting: 0, gone, answer: run(gone.signal).finally(() => {
      if (underWay.get(key) === started) underWay.delete(key);
    }) };
    underWay.set(key, started);
    return started;
  };
  /** Null when the operation must run alone. */
  return (operation: GraphOperation, run: (signal: AbortSignal) => Promise<Buffer | null>): Promise<Buffer | null> | null => {
    const identity = identityOf(operation.request);
    if (identity === null) return null;
    const { source, operationName = null, variables = null, signal } = operation;
    const key = JSON.stringify([identity, operationName, source, variables]);
    const running = underWay.get(key) ?? start(key, run);
    running.waiting += 1;
    const leave = (): void => {
      running.waiting -= 1;
      if (running.waiting > 0) return;
      // Who comes now would be told that it was canceled.
      if (underWay.get(key) === running) underWay.delete(key);
      running.gone.abort();
    };
    signal?.addEventListener('abort', leave, { once: true });
    return running.answer.finally(() => signal?.removeEventListener('abort', leave));
  };
}
