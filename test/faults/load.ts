import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '../fuzz/random.ts';
import { follow, type Followed } from './follower.ts';

export type Tenant = { accountId: string; key: string; granted: number };
/** A submit, from its idempotency key to what its follower saw. `ids`: what acknowledged it; more than one is a violation. */
export type Submit = { key: string; tenant: Tenant; mode: 'live' | 'test'; style: string; ids: Set<string>; wasCanceled: boolean; followed: Promise<Followed> | null };
export type LoadOptions = {
  /** Where to ask next: each time another gateway, so that who got no answer asks elsewhere. */
  next: () => string;
  callback: (key: string) => string;
  tenants: readonly Tenant[];
  styles: readonly string[];
  random: Random;
  /** Acknowledged and not yet called back, at most. */
  mostOpen: number;
  told: () => number;
  signal: AbortSignal;
  /** Of jobs, so many in a hundred. */
  canceled: number;
};
export type Load = ReturnType<typeof startLoad>;

const submitters = 6;
const retryMs = 150;
const answerWithinMs = 40_000;

/** Submits until the signal says so: each with a key of its own, again and again until it is acknowledged, some twice at once, some canceled, some followed. */
export function startLoad(options: LoadOptions) {
  const submits: Submit[] = [];
  const odd: string[] = [];
  let [lastAckAt, longestOutageMs, acked, refused] = [performance.now(), 0, 0, 0];
  const noOutage = (): void => {
    const now = performance.now();
    longestOutageMs = Math.max(longestOutageMs, now - lastAckAt);
    lastAckAt = now;
  };
  const acknowledge = (submit: Submit, id: string): void => {
    noOutage();
    if (submit.ids.size === 0) acked += 1;
    submit.ids.add(id);
  };
  const note = (text: string): void => void (odd.length < 50 && odd.push(text));
  const isWaiting = (): boolean => acked - options.told() >= options.mostOpen;
  const lines = Array.from({ length: submitters }, async () => {
    while (!options.signal.aborted) {
      if (isWaiting()) {
        // Nobody submits now, so that nobody can be refused.
        lastAckAt = performance.now();
        await pause(100);
        continue;
      }
      const submit = newSubmit(options);
      submits.push(submit);
      const twice = options.random.below(10) === 0;
      await Promise.all([send(options, submit, acknowledge, note), twice ? send(options, submit, acknowledge, note) : null]);
      const [id] = submit.ids;
      if (id === undefined) {
        refused += 1;
        continue;
      }
      if (options.random.below(100) < options.canceled) await cancel(options, submit, id, note);
      if (options.random.below(100) < 30) submit.followed = follow(options.next, submit.tenant.key, id, options.random);
    }
  });
  const ended = Promise.all(lines).then(noOutage);
  return { submits, odd, ended, isWaiting, acked: () => acked, refused: () => refused, longestOutageMs: () => longestOutageMs };
}

function newSubmit({ random, tenants, styles }: LoadOptions): Submit {
  return { key: randomUUID(), tenant: random.pick(tenants), mode: random.below(4) === 0 ? 'test' : 'live', style: random.pick(styles), ids: new Set(), wasCanceled: false, followed: null };
}

type Note = (text: string) => void;

/** Until it is acknowledged; when the load ends before that, nobody was told anything and the key may or may not have a job. */
async function send({ next, callback, signal }: LoadOptions, submit: Submit, acknowledge: (submit: Submit, id: string) => void, note: Note): Promise<void> {
  const body = JSON.stringify({ mode: submit.mode, gender: 'person', styles: [submit.style], image_name: 'me.jpg', callback_url: callback(submit.key) });
  while (!signal.aborted) {
    const answer = await ask(`${next()}/api/v1/generation/hairstyle`, { method: 'POST', headers: { 'x-api-key': submit.tenant.key, 'content-type': 'application/json', 'idempotency-key': submit.key }, body });
    if (answer?.status === 200) return acknowledge(submit, (JSON.parse(answer.text) as { data: { id: string } }).data.id);
    if (answer && !mayComeAgain(answer.status)) note(`a submit was answered ${answer.status}: ${answer.text.slice(0, 200)}`);
    await pause(retryMs);
  }
}

/** What a fault may be answered with. 409: the same key is at work. */
const mayComeAgain = (status: number): boolean => [408, 409, 429, 500, 502, 503, 504].includes(status);

async function cancel({ next, signal }: LoadOptions, submit: Submit, id: string, note: Note): Promise<void> {
  while (!signal.aborted) {
    const answer = await ask(`${next()}/api/v1/generation/${id}`, { method: 'DELETE', headers: { 'x-api-key': submit.tenant.key } });
    if (answer?.status === 200) {
      submit.wasCanceled = (JSON.parse(answer.text) as { data: { status: string } }).data.status === 'canceled';
      return;
    }
    if (answer && !mayComeAgain(answer.status)) return note(`a cancel of ${id} was answered ${answer.status}: ${answer.text.slice(0, 200)}`);
    await pause(retryMs);
  }
}

/** Null: there was no answer. */
export async function ask(url: string, init: RequestInit): Promise<{ status: number; text: string } | null> {
  return fetch(url, { ...init, signal: AbortSignal.timeout(answerWithinMs) }).then(async (response) => ({ status: response.status, text: await response.text() })).catch(() => null);
}
