import type { Connection } from './database.ts';
import type { EventReader, StoredEvent, SubscribeOptions } from './events.ts';
import { Subscriber } from './events-subscriber.ts';

const pollMs = 1000;
const coalesceMs = 5;
/** PostgreSQL takes 7,999 bytes; names of streams are ASCII or nearly so. */
const longestPayload = 4000;
const batchSize = 500;

/** A stream that somebody in this process subscribes to: one reading for all of them. */
type Local<Body> = { subscribers: Set<Subscriber<Body>>; isReading: boolean; lastHeard: number };

/** What a process knows about streams: who subscribes here, and how it hears of events that were committed anywhere. */
export class EventHub<Body> {
  readonly #connection: Connection;
  readonly #reader: EventReader<Body>;
  readonly #channel: string;
  readonly #locals = new Map<string, Local<Body>>();
  readonly #announcements = new Map<string, number>();
  #listening: Promise<unknown> | null = null;
  #poll: NodeJS.Timeout | null = null;

  constructor(connection: Connection, reader: EventReader<Body>, channel: string) {
    this.#connection = connection;
    this.#reader = reader;
    this.#channel = channel;
  }

  /** Called after the commit, in the process that appended. */
  appended(stream: string, seq: number): void {
    this.#hear(stream, seq);
    if (this.#announcements.size === 0) setTimeout(() => this.#announce(), coalesceMs);
    this.#announcements.set(stream, seq);
  }

  subscribe(stream: string, options: SubscribeOptions<Body>): AsyncIterableIterator<StoredEvent<Body>> {
    return this.#connection.detached(() => {
      // Heard from before anything is read, so that nothing falls between.
      const subscriber = new Subscriber<Body>({ stream, ...options, reader: this.#reader, ready: this.#listen(), onEnd: (ended) => this.#leave(stream, ended) });
      const local = this.#locals.get(stream) ?? { subscribers: new Set(), isReading: false, lastHeard: 0 };
      local.subscribers.add(subscriber);
      this.#locals.set(stream, local);
      this.#poll ??= setInterval(() => this.#pollAll(), pollMs).unref();
      return subscriber;
    });
  }

  #leave(stream: string, subscriber: Subscriber<Body>): void {
    const local = this.#locals.get(stream);
    if (local?.subscribers.delete(subscriber) && local.subscribers.size === 0) this.#locals.delete(stream);
    if (this.#locals.size > 0 || !this.#poll) return;
    clearInterval(this.#poll);
    this.#poll = null;
  }

  #listen(): Promise<unknown> {
    const onPayload = (payload: string): void => {
      for (const line of payload.split('\n')) this.#hear(line.slice(line.indexOf(' ') + 1), Number(line.slice(0, line.indexOf(' '))));
    };
    this.#listening ??= this.#connection.listen(this.#channel, onPayload, () => this.#pollAll()).catch((error: unknown) => {
      // Who subscribes next tries again; this one hears of it.
      this.#listening = null;
      throw error;
    });
    return this.#listening;
  }

  #hear(stream: string, seq: number): void {
    const local = this.#locals.get(stream);
    if (!local) return;
    local.lastHeard = Math.max(local.lastHeard, seq);
    if (mostAdvanced(local) !== null) void this.#pump(stream, local);
  }

  /** Reads once for all subscribers of a stream. Who misses something in between notices, and reads for itself. */
  async #pump(stream: string, local: Local<Body>): Promise<void> {
    if (local.isReading) return;
    local.isReading = true;
    try {
      for (let from = mostAdvanced(local); from !== null; from = mostAdvanced(local)) {
        const events = await this.#reader.after(stream, from, batchSize);
        for (const subscriber of local.subscribers) subscriber.offer(events);
        // Whoever did not advance cannot take more now, or has to read for itself.
        if (mostAdvanced(local) === from) break;
      }
    } catch {
      // The next poll tries again; whoever waits for the event meanwhile still waits.
    } finally {
      local.isReading = false;
    }
  }

  /** The safety net under the notifications; when it fails, the next one follows. */
  #pollAll(): void {
    if (this.#locals.size === 0) return;
    this.#reader.lastSeqs([...this.#locals.keys()]).then((last) => last.forEach((seq, stream) => this.#hear(stream, seq)), () => {});
  }

  #announce(): void {
    const lines = [...this.#announcements].map(([stream, seq]) => `${seq} ${stream}`);
    this.#announcements.clear();
    // Whoever does not hear of it finds it with the next poll.
    for (const payload of chunks(lines)) this.#connection.notify(this.#channel, payload).catch(() => {});
  }
}

/** Where the first of those stands who lack an event that was heard of. Null: nobody does. */
function mostAdvanced<Body>({ subscribers, lastHeard }: Local<Body>): number | null {
  const lacking = [...subscribers].map((subscriber) => subscriber.position).filter((position) => position >= 0 && position < lastHeard);
  return lacking.length === 0 ? null : Math.max(...lacking);
}

function chunks(lines: readonly string[]): string[] {
  const payloads: string[] = [];
  for (const line of lines) {
    const last = payloads.at(-1);
    if (last !== undefined && last.length + line.length < longestPayload) payloads[payloads.length - 1] = `${last}\n${line}`;
    else payloads.push(line);
  }
  return payloads;
}
