import { inspect } from 'node:util';
import type { Door, Doors } from './doors.ts';
import type { WatchedServer } from './watched-server.ts';

/** What one picture came to. `wrong`: why that breaks a promise; null when it does not. */
export type Verdict = { name: string; door: string; status: number; cpuMs: number; turnMs: number; delayMs: number; text: string; wrong: string | null; isDear: boolean };
type Sent = { name: string; fileName?: string; bytes: Uint8Array };
export type Limits = { cpuMs: number; turnMs: number };

/** Other processes on the machine are counted as well, as far as they get in the way: what is dear once is sent again before it is called dear. */
export async function judge(server: WatchedServer, doors: Doors, door: keyof Doors, sent: Sent, limits: Limits): Promise<Verdict> {
  let verdict = await judgeOnce(server, doors, door, sent, limits);
  for (let left = 3; left > 0 && verdict.isDear; left -= 1) verdict = await judgeOnce(server, doors, door, sent, limits);
  return verdict;
}

/** Sends one picture and measures what the server spends on it. Nothing else may be asked of the server meanwhile. */
async function judgeOnce(server: WatchedServer, doors: Doors, door: keyof Doors, sent: Sent, limits: Limits): Promise<Verdict> {
  const before = await server.figures();
  const answer = await send(doors[door], sent.bytes, sent.fileName);
  if (!server.isAlive()) return { name: sent.name, door, status: 0, cpuMs: 0, turnMs: 0, delayMs: 0, text: '', isDear: false, wrong: `the server ended: ${server.output().slice(-2000)}` };
  const after = await server.figures();
  const [cpuMs, turnMs, delayMs] = [after.cpuMs - before.cpuMs, after.longestTurnMs, after.longestDelayMs];
  const wrong = answer.wrong ?? (cpuMs > limits.cpuMs ? `it took ${Math.round(cpuMs)} ms of CPU` : turnMs > limits.turnMs ? `the event loop was blocked for ${Math.round(turnMs)} ms` : null);
  return { name: sent.name, door, status: answer.status, cpuMs, turnMs, delayMs, text: answer.text, wrong, isDear: answer.wrong === null && wrong !== null };
}

async function send(door: Door, bytes: Uint8Array, fileName: string | undefined) {
  return door(bytes, fileName).catch((error: unknown) => ({ status: 0, text: '', wrong: `no answer: ${error instanceof Error ? inspect(error.cause ?? error) : 'unknown'}` }));
}
