import type { ExecutionResult } from 'graphql';
import { refuse } from './errors.ts';
import { textOf } from './sharing.ts';
import type { Framing } from './streamed-body.ts';

const boundary = 'graphql';

/** Parsers take a part as complete when they see the delimiter behind it, so each one sends that along. */
const part = (json: string): string => `\r\ncontent-type: application/json\r\n\r\n${json}\r\n--${boundary}`;
const close = '--\r\n';

/** Subscriptions over multipart/mixed. Parsers of mobile clients compare the parameter and the heartbeats letter by letter. */
export const multipartSubscription: Framing & { headers: Record<string, string> } = {
  headers: { 'content-type': `multipart/mixed;boundary="${boundary}";subscriptionSpec=1.0`, 'cache-control': 'no-cache, no-transform', 'x-accel-buffering': 'no' },
  opening: `\r\n--${boundary}`,
  heartbeat: part('{}'),
  part: (answer) => part(payload(answer)),
  end: close,
  leaving: `${part(payload({ errors: [refuse('UNAVAILABLE', 'The server goes away; subscribe again.')] }))}${close}`,
};

/** An answer with deferred fragments over multipart/mixed: the first part, then what was deferred. */
export const multipartParts: Framing & { headers: Record<string, string> } = {
  headers: { ...multipartSubscription.headers, 'content-type': `multipart/mixed;boundary="${boundary}";deferSpec=20220824` },
  opening: `\r\n--${boundary}`,
  // It ends within the time of one operation.
  heartbeat: '',
  part: (answer) => part(JSON.stringify(answer)),
  end: close,
  leaving: `${part('{"hasNext":false}')}${close}`,
};

/** An answer without data is an error of the stream itself, not of one event. */
function payload(answer: ExecutionResult): string {
  return answer.data === undefined ? JSON.stringify({ payload: null, errors: answer.errors }) : `{"payload":${textOf(answer)}}`;
}
