import { Unavailable } from './errors.ts';

const failuresToOpen = 5;
const firstPauseMs = 1_000;
const longestPauseMs = 30_000;
const retriesSaved = 10;
const earnedPerSuccess = 0.1;

/**
 * Spares a subgraph that does not answer: after five failures in a row nothing is sent for a second, then one call tries, and the pause
 * doubles up to half a minute as long as it fails. Retries are a tenth of the calls that succeed, so that they cannot add to an overload.
 */
export class Circuit {
  readonly #subgraph: string;
  readonly #now: () => number;
  #failures = 0;
  #pauseMs = firstPauseMs;
  #closedUntil = 0;
  #isTrying = false;
  #retries = retriesSaved;

  /** `now` in milliseconds. */
  constructor(subgraph: string, now: () => number = () => performance.now()) {
    this.#subgraph = subgraph;
    this.#now = now;
  }

  /** Throws Unavailable while the pause lasts. */
  enter(): void {
    if (this.#failures < failuresToOpen) return;
    const leftMs = this.#closedUntil - this.#now();
    if (leftMs > 0 || this.#isTrying) throw new Unavailable(`${this.#subgraph} has failed ${this.#failures} times in a row`, Math.max(1, Math.ceil(leftMs / 1_000)));
    this.#isTrying = true;
  }

  succeeded(): void {
    this.#isTrying = false;
    this.#failures = 0;
    this.#pauseMs = firstPauseMs;
    if (this.#retries < retriesSaved) this.#retries += earnedPerSuccess;
  }

  failed(): void {
    this.#failures += 1;
    if (this.#failures < failuresToOpen) return;
    if (this.#isTrying) this.#pauseMs = Math.min(longestPauseMs, this.#pauseMs * 2);
    this.#isTrying = false;
    this.#closedUntil = this.#now() + this.#pauseMs;
  }

  /** The call ended without saying anything about the subgraph. */
  left(): void {
    this.#isTrying = false;
  }

  mayRetry(): boolean {
    if (this.#retries < 1 || this.#failures >= failuresToOpen) return false;
    this.#retries -= 1;
    return true;
  }
}
