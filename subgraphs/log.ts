import { type Logger, pino } from 'pino';

export type { Logger };

/** JSON lines on standard output. Never give it a secret: a key is named by its id. */
export function createLog(level: string): Logger {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) } });
}
