import { setTimeout as pause } from 'node:timers/promises';
import { type Process, type ProcessOptions, startProcess } from '../support/process.ts';

export type Member = ReturnType<typeof keepRunning>;
/** One that ended though nobody killed it, with the end of what it printed. */
export type Ended = { name: string; output: string };

/** Runs a process, and starts it again whenever it ended, as whatever looks after processes does. */
export function keepRunning(name: string, options: ProcessOptions, onEnded: (ended: Ended) => void) {
  const state = { current: null as Process | null, isWanted: true, isKilled: false };
  const printed: string[] = [];
  const first = Promise.withResolvers<void>();
  const going = (async (): Promise<void> => {
    while (state.isWanted) {
      // Without its database it does not start; then it is tried again.
      const started = await startProcess(options).catch((error: unknown) => {
        printed.push(String(error));
        return null;
      });
      if (!started) {
        await pause(300);
        continue;
      }
      Object.assign(state, { current: started, isKilled: false });
      first.resolve();
      await ended(started);
      printed.push(started.output());
      state.current = null;
      if (!state.isKilled && state.isWanted) onEnded({ name, output: started.output().slice(-3000) });
    }
  })();
  return {
    name,
    ready: first.promise,
    isUp: (): boolean => state.current !== null,
    output: (): string => [...printed, state.current?.output() ?? ''].join('\n'),
    kill(): void {
      state.isKilled = true;
      state.current?.child.kill('SIGKILL');
    },
    signal: (signal: 'SIGSTOP' | 'SIGCONT'): void => void state.current?.child.kill(signal),
    /** The same process is not started again. Whether it ended by itself in time. */
    async stop(): Promise<number | null> {
      state.isWanted = false;
      const process = state.current;
      process?.child.kill('SIGCONT');
      const timer = setTimeout(() => process?.child.kill('SIGKILL'), 20_000);
      const code = process ? await process.end('SIGTERM') : null;
      await going;
      clearTimeout(timer);
      return code;
    },
  };
}

const ended = ({ child }: Process): Promise<unknown> => (child.exitCode === null && child.signalCode === null ? new Promise((resolve) => child.once('exit', resolve)) : Promise.resolve());
