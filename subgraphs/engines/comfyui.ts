import { createHash, randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Outbound } from '../outbound.ts';
import type { EngineContext } from '../vision/engine.ts';
import { call, callJson, jsonBody, pause, unavailable } from './call.ts';
import type { ComfyConfig } from './config.ts';
import { mostPictureBytes } from './picture.ts';
import type { RemoteEngine, RemoteJob } from './remote.ts';
import { filled } from './template.ts';

const uploaded = z.object({ name: z.string(), subfolder: z.string().default('') });
const queued = z.object({ prompt_id: z.string().min(1) });
const file = z.object({ filename: z.string(), subfolder: z.string().default(''), type: z.string().default('output') });
const outcome = z.object({ outputs: z.record(z.string(), z.object({ images: z.array(file).optional() })).default({}), status: z.object({ status_str: z.string(), completed: z.boolean() }).partial().optional() });
type Outcome = z.infer<typeof outcome>;
/** Nodes report by number; `node` null: the whole is done. */
const report = z.object({ type: z.string(), data: z.looseObject({ prompt_id: z.string().optional(), node: z.string().nullish(), value: z.number().optional(), max: z.number().optional() }).default({}) });

/** How often the history is asked, when the socket says nothing. */
const betweenLooksMs = 1000;

/** A ComfyUI server: the photo and a workflow go in, its socket tells how far it is, the first picture of its history comes out. */
export const createComfyEngine = (config: ComfyConfig, outbound: Outbound): RemoteEngine => ({ version: 'comfyui', draw: async (job, context) => draw(config, outbound, job, context) });

async function draw(config: ComfyConfig, outbound: Outbound, { photo, values }: RemoteJob, { signal, onProgress }: EngineContext): Promise<Uint8Array> {
  const image = await upload(config, outbound, photo, signal);
  const clientId = randomUUID();
  const prompt = filled(config.workflow, values(image));
  // Before the prompt, or its first words are missed.
  const listening = listen(config, outbound, clientId, Object.keys(config.workflow).length, (fraction) => onProgress({ stage: 'remote', fraction }));
  const own = randomUUID();
  let id = '';
  try {
    const answer = queued.safeParse(await callJson(outbound, `${config.url}/prompt`, { method: 'POST', ...jsonBody(config.headers, { prompt, prompt_id: own, client_id: clientId }), signal }));
    if (!answer.success) throw unavailable('the engine took the workflow and gave it no id');
    id = answer.data.prompt_id;
    const found = await finished(config, outbound, id, listening, signal);
    const { bytes, status } = await call(outbound, `${config.url}/view?${new URLSearchParams(found).toString()}`, { headers: config.headers, signal, maxBytes: mostPictureBytes });
    if (status !== 200) throw unavailable(`the engine answered ${status} for its picture`);
    return bytes;
  } catch (error) {
    await interrupt(config, outbound, id || own, id !== '');
    throw error;
  } finally {
    listening.close();
  }
}

async function upload(config: ComfyConfig, outbound: Outbound, photo: Uint8Array, signal: AbortSignal): Promise<string> {
  const boundary = randomUUID();
  const name = `lookgraph-${createHash('sha256').update(photo).digest('hex').slice(0, 24)}.jpg`;
  const head = `--${boundary}\r\ncontent-disposition: form-data; name="overwrite"\r\n\r\ntrue\r\n--${boundary}\r\ncontent-disposition: form-data; name="image"; filename="${name}"\r\ncontent-type: image/jpeg\r\n\r\n`;
  const body = Buffer.concat([Buffer.from(head), photo, Buffer.from(`\r\n--${boundary}--\r\n`)]);
  const answer = uploaded.safeParse(await callJson(outbound, `${config.url}/upload/image`, { method: 'POST', headers: { ...config.headers, 'content-type': `multipart/form-data; boundary=${boundary}` }, body, signal }));
  if (!answer.success) throw unavailable('the engine took the photo and gave it no name');
  return answer.data.subfolder === '' ? answer.data.name : `${answer.data.subfolder}/${answer.data.name}`;
}

type Listening = { /** Resolves at the next word about the prompt, or when the socket is gone. */ heard(): Promise<void>; close(): void };

/** The socket only tells how far it is and when to look: what counts is the history, so that a socket that breaks costs nothing. */
function listen(config: ComfyConfig, outbound: Outbound, clientId: string, nodes: number, tell: (fraction: number) => void): Listening {
  const socket = outbound.openSocket(`${config.url}/ws?clientId=${clientId}`, config.headers);
  let next = Promise.withResolvers<void>();
  const done = new Set<string>();
  const wake = (): void => {
    next.resolve();
    next = Promise.withResolvers<void>();
  };
  socket.addEventListener('message', ({ data }) => {
    // Previews come as binary messages.
    if (typeof data !== 'string') return;
    const word = report.safeParse(parsed(data));
    if (!word.success) return;
    const { type, data: { node, value = 0, max = 0 } } = word.data;
    if (type === 'progress' && max > 0) tell(Math.min(1, (done.size + value / max) / nodes));
    if (type === 'executing' && typeof node === 'string') {
      tell(Math.min(1, done.size / nodes));
      done.add(node);
    }
    if (['execution_success', 'execution_error', 'execution_interrupted'].includes(type) || (type === 'executing' && node === null)) wake();
  });
  for (const ending of ['error', 'close'] as const) socket.addEventListener(ending, () => undefined);
  return { heard: async () => next.promise, close: () => socket.close() };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

async function finished(config: ComfyConfig, outbound: Outbound, id: string, { heard }: Listening, signal: AbortSignal): Promise<Record<string, string>> {
  for (;;) {
    await Promise.race([heard(), pause(betweenLooksMs, signal)]);
    signal.throwIfAborted();
    const history = z.record(z.string(), outcome).safeParse(await callJson(outbound, `${config.url}/history/${encodeURIComponent(id)}`, { headers: config.headers, signal }));
    if (!history.success) throw unavailable('the engine’s history is not one');
    const found = history.data[id];
    if (!found) continue;
    if (found.status?.status_str === 'error') throw unavailable('the workflow failed');
    const picture = pictureIn(found, config.output);
    if (picture) return { filename: picture.filename, subfolder: picture.subfolder, type: picture.type };
    if (found.status?.completed !== false) throw unavailable('the workflow gave no picture');
  }
}

function pictureIn({ outputs }: Outcome, node: string | null): z.infer<typeof file> | null {
  const images = node === null ? Object.values(outputs).flatMap(({ images: all = [] }) => all) : outputs[node]?.images ?? [];
  return images.find(({ type }) => type === 'output') ?? images[0] ?? null;
}

/**
 * Takes the prompt out of the queue, and stops it where it runs: only when it is known to be there, for older servers stop whatever runs.
 * Whether it still can be reached is its own matter.
 */
async function interrupt({ url, headers }: ComfyConfig, outbound: Outbound, id: string, isTaken: boolean): Promise<void> {
  await Promise.allSettled([
    call(outbound, `${url}/queue`, { method: 'POST', ...jsonBody(headers, { delete: [id] }), timeoutMs: 5000 }),
    ...(isTaken ? [call(outbound, `${url}/interrupt`, { method: 'POST', ...jsonBody(headers, { prompt_id: id }), timeoutMs: 5000 })] : []),
  ]);
}
