import type { ExecutionResult } from 'graphql';
import type { Call } from './transport.ts';

/** Identical subscriptions of one caller: an event that reaches several of them is answered once, and the answer is made to text once. */
export class SharedSubscription {
  subscribers = 0;
  readonly #answers = new WeakMap<ExecutionResult, Promise<ExecutionResult>>();

  /** `event` is one object for all whom it reaches; `answer` is asked by the first of them. */
  answer(event: ExecutionResult, answer: (event: ExecutionResult) => Promise<ExecutionResult>): Promise<ExecutionResult> {
    const known = this.#answers.get(event);
    if (known) return known;
    const made = answer(event);
    this.#answers.set(event, made);
    // The text of an answer for one is made once anyway.
    if (this.subscribers > 1) made.then((result) => texts.set(result, null), () => undefined);
    return made;
  }
}

/** Finds who subscribes to the same. One for each way to run an operation: who may read less runs another. */
export function createSharing() {
  const open = new Map<string, SharedSubscription>();
  return {
    /** Null for who has no key: what else a request carries may make a difference. Call `leave` when the subscription has ended. */
    enter({ variables, request: { caller } }: Call): { shared: SharedSubscription; leave: () => void } | null {
      if (!caller) return null;
      const key = `${caller.keyId} ${JSON.stringify(variables)}`;
      const shared = open.get(key) ?? new SharedSubscription();
      open.set(key, shared);
      shared.subscribers += 1;
      let isIn = true;
      const leave = (): void => {
        if (!isIn) return;
        isIn = false;
        shared.subscribers -= 1;
        if (shared.subscribers === 0) open.delete(key);
      };
      return { shared, leave };
    },
  };
}

/** Texts of shared answers; null while nobody has asked for one. */
const texts = new WeakMap<ExecutionResult, string | null>();

/** An answer as JSON. */
export function textOf(answer: ExecutionResult): string {
  const known = texts.get(answer);
  if (known) return known;
  const text = JSON.stringify(answer);
  if (known === null) texts.set(answer, text);
  return text;
}
