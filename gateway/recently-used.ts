type Entry<Value> = { value: Value; weight: number; isUsed: boolean };

/** A map of bounded weight that forgets what was not asked for since it last looked for room. */
export class RecentlyUsed<Value> {
  readonly #entries = new Map<string, Entry<Value>>();
  readonly #capacity: number;
  #weight = 0;

  /** `capacity` is the sum of weights; an entry weighs 1 unless said otherwise. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    entry.isUsed = true;
    return entry.value;
  }

  set(key: string, value: Value, weight = 1): void {
    this.delete(key);
    this.#entries.set(key, { value, weight, isUsed: false });
    this.#weight += weight;
    while (this.#weight > this.#capacity && this.#entries.size > 1) this.#makeRoom();
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#weight -= entry.weight;
    this.#entries.delete(key);
  }

  /** The oldest goes, or gets a second chance behind the newest. */
  #makeRoom(): void {
    const [oldest] = this.#entries;
    if (!oldest) return;
    const [key, entry] = oldest;
    if (!entry.isUsed) return this.delete(key);
    entry.isUsed = false;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
  }
}
