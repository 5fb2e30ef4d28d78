import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { WebSocket } from 'ws';
import { until } from './database.ts';

type Scope = { after(work: () => Promise<void>): void };
type Said = { id?: number; method?: string; params?: { entry?: { text: string }; exceptionDetails?: { exception?: { description?: string }; text: string } }; result?: { result?: { value?: unknown }; exceptionDetails?: object } };
export type BrowserPage = {
  open(url: string): Promise<void>;
  /** What an expression is worth in the page, when that is no promise any more. */
  value<Value>(expression: string): Promise<Value>;
  /** What the page has complained of: errors of its scripts, and what was not loaded or not allowed. */
  complaints: readonly string[];
};

/** Chromium, where this machine has it. */
export const browser = ['chromium', 'chromium-browser', 'google-chrome'].flatMap((name) => (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name))).find((file) => existsSync(file)) ?? null;

/** An empty page of a browser of its own, without a window; closed after the test. */
export async function openPage(t: Scope): Promise<BrowserPage> {
  assert.ok(browser);
  const folder = await mkdtemp(join(tmpdir(), 'browser-'));
  // In a group of its own, for it starts others. There is nothing in it that a sandbox would have to keep from anybody.
  const child = spawn(browser, ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--remote-debugging-port=0', `--user-data-dir=${folder}`, 'about:blank'], { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
  const ended = once(child, 'close');
  t.after(async () => {
    if (child.exitCode === null) process.kill(-(child.pid ?? assert.fail()), 'SIGKILL');
    await ended;
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const port = await until(() => {
    assert.equal(child.exitCode, null, said);
    return /DevTools listening on ws:\/\/127\.0\.0\.1:(\d+)\//.exec(said)?.[1] ?? null;
  });
  const targets = await (await fetch(`http://127.0.0.1:${port}/json`)).json() as { type: string; webSocketDebuggerUrl: string }[];
  return connectTo(t, targets.find(({ type }) => type === 'page')?.webSocketDebuggerUrl ?? assert.fail(said));
}

async function connectTo(t: Scope, address: string): Promise<BrowserPage> {
  const socket = new WebSocket(address);
  await once(socket, 'open');
  t.after(async () => socket.terminate());
  const [waiting, complaints] = [new Map<number, (said: Said) => void>(), [] as string[]];
  socket.on('message', (data: Buffer) => {
    const said = JSON.parse(data.toString()) as Said;
    if (said.id !== undefined) waiting.get(said.id)?.(said);
    const fault = said.params?.exceptionDetails;
    if (said.method === 'Runtime.exceptionThrown' && fault) complaints.push(fault.exception?.description ?? fault.text);
    if (said.method === 'Log.entryAdded') complaints.push(said.params?.entry?.text ?? '');
  });
  let asked = 0;
  const ask = async (method: string, params: object = {}): Promise<Said> => {
    const id = ++asked;
    const { promise, resolve } = Promise.withResolvers<Said>();
    waiting.set(id, resolve);
    socket.send(JSON.stringify({ id, method, params }));
    return promise.finally(() => waiting.delete(id));
  };
  for (const domain of ['Runtime', 'Log', 'Page']) await ask(`${domain}.enable`);
  return {
    open: async (url) => void (await ask('Page.navigate', { url })),
    async value<Value>(expression: string) {
      const { result } = await ask('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
      assert.equal(result?.exceptionDetails, undefined, expression);
      return result?.result?.value as Value;
    },
    complaints,
  };
}
