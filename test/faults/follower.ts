import { setTimeout as pause } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { Random } from '../fuzz/random.ts';
import { readEventStream } from '../support/event-stream.ts';

type Seen = { seq: number; kind: string; status: string; isLast: boolean };
/** What one follower saw, and how often it lost the connection or let go of it. */
export type Followed = { id: string; how: string; seen: Seen[]; dropped: number; lost: number; gaveUp: boolean };
type Way = (url: string, key: string, id: string, afterSeq: number, see: (seen: Seen) => boolean) => Promise<void>;

const followedForMs = 900_000;
/** A stream that says nothing for so long is taken for dead, as a client with heartbeats would. */
const silentMs = 45_000;

/** Follows a job to its last event, whatever happens: it lets go of some connections itself, and goes on behind the last number it saw, at the next gateway. */
export async function follow(next: () => string, key: string, id: string, random: Random): Promise<Followed> {
  const way = random.pick([overRest, overSocket]);
  const followed: Followed = { id, how: way.name, seen: [], dropped: 0, lost: 0, gaveUp: false };
  const until = performance.now() + followedForMs;
  const isOver = (): boolean => followed.seen.at(-1)?.isLast === true;
  while (!isOver()) {
    let left = random.below(2) === 0 ? 1 + random.below(3) : Infinity;
    const see = (seen: Seen): boolean => {
      followed.seen.push(seen);
      left -= 1;
      if (left === 0) followed.dropped += 1;
      return left > 0;
    };
    await way(next(), key, id, followed.seen.at(-1)?.seq ?? 0, see).catch(() => (followed.lost += 1));
    if (isOver()) break;
    if (performance.now() > until) {
      followed.gaveUp = true;
      break;
    }
    await pause(200);
  }
  return followed;
}

const finals = new Set(['completed', 'failed', 'canceled']);

const overRest: Way = async (url, key, id, afterSeq, see) => {
  const silence = createSilence();
  const response = await fetch(`${url}/api/v1/generation/${id}/events`, { headers: { 'x-api-key': key, 'last-event-id': String(afterSeq) }, signal: silence.signal });
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  try {
    for await (const { event, data } of readEventStream(response)) {
      silence.broken();
      if (!see({ seq: data.seq, kind: event, status: data.status, isLast: finals.has(data.status) })) break;
    }
  } finally {
    silence.end();
  }
};

type Event = { generationProgress: { seq: number; kind: string; terminal: boolean; progress: { status: string } } };
const query = 'subscription ($id: ID!, $afterSeq: Int) { generationProgress(id: $id, afterSeq: $afterSeq) { seq kind terminal progress { status } } }';

const overSocket: Way = async (url, key, id, afterSeq, see) => {
  const silence = createSilence();
  const client = createClient({ url: `${url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket, connectionParams: { 'x-api-key': key }, retryAttempts: 0, connectionAckWaitTimeout: silentMs });
  silence.signal.addEventListener('abort', () => client.terminate());
  try {
    for await (const { data, errors } of client.iterate<Event>({ query, variables: { id, afterSeq } })) {
      silence.broken();
      if (!data) throw new Error(JSON.stringify(errors));
      const { seq, kind, terminal, progress: { status } } = data.generationProgress;
      if (!see({ seq, kind: kind.toLowerCase(), status: status.toLowerCase(), isLast: terminal })) break;
    }
  } finally {
    silence.end();
    await client.dispose();
  }
};

function createSilence() {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new Error('nothing was said')), silentMs);
  return { signal: controller.signal, broken: () => void timer.refresh(), end: () => clearTimeout(timer) };
}
