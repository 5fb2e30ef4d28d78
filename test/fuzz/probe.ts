import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

/**
 * Loaded into a server before the server itself: measures the process from within and tells its parent when asked. The threads that draw
 * load it too, and there it does nothing.
 */
export type Figures = {
  /** CPU of the whole process, all threads, since its start. */
  cpuMs: number;
  /** Since the last time it was asked: the longest time between two turns of the event loop, by the clock, and how much of one the thread itself computed. */
  longestDelayMs: number;
  longestTurnMs: number;
  residentBytes: number;
};

const everyMs = 5;

function watch(): void {
  const delays = monitorEventLoopDelay({ resolution: everyMs });
  delays.enable();
  const spentMs = (): number => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  };
  let [longestTurnMs, before] = [0, spentMs()];
  const turn = (): void => {
    const now = spentMs();
    longestTurnMs = Math.max(longestTurnMs, now - before);
    before = now;
  };
  setInterval(turn, everyMs).unref();
  process.on('message', (message) => {
    if (message !== 'figures' && message !== 'settled figures') return;
    if (message === 'settled figures') globalThis.gc?.();
    const { user, system } = process.cpuUsage();
    const figures: Figures = { cpuMs: (user + system) / 1000, longestDelayMs: delays.max / 1e6, longestTurnMs, residentBytes: process.memoryUsage.rss() };
    process.send?.(figures);
    delays.reset();
    [longestTurnMs, before] = [0, spentMs()];
  });
  process.channel?.unref();
  // Whoever asks is gone.
  process.once('disconnect', () => process.exit(1));
}

if (isMainThread && process.send) watch();
