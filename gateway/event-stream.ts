import type { ExecutionResult } from 'graphql';
import { textOf } from './sharing.ts';
import type { Framing } from './streamed-body.ts';

/** GraphQL over server-sent events in its distinct connections mode: `next` for each answer, then `complete`. */
export const eventStream: Framing & { headers: Record<string, string> } = {
  headers: { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache, no-transform', 'x-accel-buffering': 'no' },
  // Some browsers wait for the first bytes.
  opening: ':\n\n',
  heartbeat: ':\n\n',
  part: nextEvent,
  end: 'event: complete\ndata:\n\n',
  // Without `complete` a client takes the stream up again.
  leaving: '',
};

function nextEvent(answer: ExecutionResult): string {
  return `event: next\ndata: ${textOf(answer)}\n\n`;
}
