import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';

/** The parts of a multipart/mixed body as they arrive: every byte must be where the strictest of the known parsers expects it. */
export type MultipartReader = {
  contentType: string;
  status: number;
  /** The JSON text of the next part, as soon as its closing delimiter has come. Null behind the last one. */
  next(): Promise<string | null>;
  /** All that is left. */
  rest(): Promise<string[]>;
  /** Breaks the connection off. */
  leave(): void;
};

type Asking = { url: string; body: unknown; headers?: Record<string, string>; boundary?: string };

/** POSTs an operation and reads its answer. */
export async function readMultipart({ url, body, headers = {}, boundary = 'graphql' }: Asking): Promise<MultipartReader> {
  const sending = request(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers } });
  sending.on('error', () => undefined);
  sending.end(JSON.stringify(body));
  const [response] = await once(sending, 'response') as [IncomingMessage];
  const chunks = response.iterator({ destroyOnReturn: true });
  let text = '';
  /** Cuts the expected text off what has come. */
  const take = async (expected: string): Promise<void> => {
    while (text.length < expected.length && expected.startsWith(text)) await more();
    assert.equal(text.slice(0, expected.length), expected);
    text = text.slice(expected.length);
  };
  const more = async (): Promise<void> => {
    const chunk = await chunks.next() as IteratorResult<Buffer>;
    assert.ok(!chunk.done, `the body ended within a part: ${JSON.stringify(text)}`);
    text += chunk.value.toString('utf8');
  };
  let isOpened = false;
  const next = async (): Promise<string | null> => {
    if (!isOpened) await take(`\r\n--${boundary}`);
    isOpened = true;
    while (text.length < 2) await more();
    if (text.startsWith('--')) {
      await take('--\r\n');
      assert.ok((await chunks.next()).done, 'nothing follows the closing delimiter');
      return null;
    }
    await take('\r\ncontent-type: application/json\r\n\r\n');
    while (!text.includes(`\r\n--${boundary}`)) await more();
    const end = text.indexOf(`\r\n--${boundary}`);
    const json = text.slice(0, end);
    assert.ok(!/[\r\n]/.test(json), 'a part is one line');
    text = text.slice(end + 4 + boundary.length);
    return json;
  };
  return {
    contentType: response.headers['content-type'] ?? '', status: response.statusCode ?? 0, next,
    async rest() {
      const parts: string[] = [];
      for (let part = await next(); part !== null; part = await next()) parts.push(part);
      return parts;
    },
    leave: () => void response.destroy(),
  };
}
