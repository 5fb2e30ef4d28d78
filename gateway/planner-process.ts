import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { PlanNode } from '@graphql-hive/router-query-planner';
import type { PlannerAnswer, PlannerOrder } from './planner-child.ts';

/** What became of one operation. */
export type PlanOutcome =
  | { kind: 'planned'; node: PlanNode | null }
  | { kind: 'failed'; message: string }
  /** The process ended while it held this operation, perhaps because of another. */
  | { kind: 'died' };

/** One process with one supergraph. */
export type PlannerProcess = {
  /** Rejects when the supergraph is refused or the process ends before it is loaded. */
  loaded: Promise<void>;
  /** Whether it takes operations. */
  isAlive(): boolean;
  /** Operations that it holds. */
  size(): number;
  plan(operation: string): Promise<PlanOutcome>;
  /** Ends it at once; what it holds has died. */
  kill(): void;
};

const keptErrorCharacters = 2_000;

/** Starts a process of the native planner. `onDeath` gets what it wrote about an end that nobody asked for. */
export function startPlannerProcess(supergraphSdl: string, onDeath: (said: string) => void): PlannerProcess {
  // It needs nothing of the surroundings, and should know no secrets.
  const child = fork(join(import.meta.dirname, 'planner-child.ts'), { env: {}, execArgv: [], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  const held = new Map<number, (outcome: PlanOutcome) => void>();
  const loading = Promise.withResolvers<void>();
  // Who asks for a plan hears of it too.
  loading.promise.catch(() => undefined);
  let [said, lastId, isAlive, isKilled] = ['', 0, true, false];
  const settle = (id: number, outcome: PlanOutcome): void => {
    held.get(id)?.(outcome);
    held.delete(id);
    if (held.size === 0) letProcessEnd(child);
  };
  const die = (): void => {
    if (!isAlive) return;
    isAlive = false;
    loading.reject(new Error(`the planner ended: ${said}`));
    if (!isKilled) onDeath(said);
    for (const id of held.keys()) settle(id, { kind: 'died' });
  };
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-keptErrorCharacters)));
  child.on('exit', die).on('error', die);
  child.on('message', (answer: PlannerAnswer) => {
    if (answer.kind === 'loaded') loading.resolve();
    else if (answer.kind === 'refused') loading.reject(new Error(answer.message));
    else settle(answer.id, answer);
    if (held.size === 0) letProcessEnd(child);
  });
  const tell = (order: PlannerOrder): void => {
    keepProcess(child);
    child.send(order, (error) => error && die());
  };
  tell({ kind: 'load', supergraphSdl });
  return {
    loaded: loading.promise,
    isAlive: () => isAlive,
    size: () => held.size,
    plan: async (operation) => new Promise((resolve) => {
      if (!isAlive) return resolve({ kind: 'died' });
      held.set(++lastId, resolve);
      tell({ kind: 'plan', id: lastId, operation });
    }),
    kill() {
      isKilled = true;
      child.kill('SIGKILL');
      die();
    },
  };
}

/** Only work under way keeps the gateway's process: it may end without having stopped the planner. */
function letProcessEnd(child: ChildProcess): void {
  child.unref();
  child.channel?.unref();
  (child.stderr as { unref?: () => void } | null)?.unref?.();
}

function keepProcess(child: ChildProcess): void {
  child.ref();
  child.channel?.ref();
}
