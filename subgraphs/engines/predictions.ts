import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Outbound } from '../outbound.ts';
import type { EngineContext } from '../vision/engine.ts';
import { EngineFault } from '../vision/engine.ts';
import { call, callJson, jsonBody, pause, unavailable } from './call.ts';
import type { PredictionsConfig } from './config.ts';
import type { Inbox } from './inbox.ts';
import { mostPictureBytes } from './picture.ts';
import type { RemoteEngine, RemoteJob } from './remote.ts';
import { filled } from './template.ts';

const prediction = z.object({ id: z.string().optional(), status: z.string(), output: z.unknown().optional(), logs: z.string().nullish() });
type Prediction = z.infer<typeof prediction>;
type Parts = { config: PredictionsConfig; outbound: Outbound; inbox: Inbox };

const events = ['start', 'output', 'logs', 'completed'];
/** A container sends its whole picture in the answer. */
const mostAnswerBytes = 48 * 1024 * 1024;

/** Predictions as Replicate's cloud and its open container Cog serve them. */
export const createPredictionsEngine = (config: PredictionsConfig, outbound: Outbound, inbox: Inbox): RemoteEngine =>
  ({ version: config.model ?? 'cog', draw: async (job, context) => draw({ config, outbound, inbox }, job, context) });

async function draw(parts: Parts, { photo, values }: RemoteJob, context: EngineContext): Promise<Uint8Array> {
  const { config } = parts;
  const input = filled(config.input, values(`data:image/jpeg;base64,${Buffer.from(photo).toString('base64')}`));
  const run = config.delivery === 'cog-put' ? throughPut : config.delivery === 'poll' ? throughPolls : throughWebhook;
  const { output } = await run(parts, input, context);
  return pictureOf(parts, output, context.signal);
}

/** Tells of what the model's own progress bar says; nothing else is known of how far it is. */
function tell({ onProgress }: EngineContext, { status, logs }: Prediction): void {
  const shown = [...(logs ?? '').matchAll(/(\d{1,3})%\|/g)].at(-1)?.[1];
  onProgress({ stage: 'remote', fraction: shown === undefined ? (status === 'starting' ? 0 : 0.02) : Math.min(1, Number(shown) / 100) });
}

/** Null: it goes on. */
function ended(answer: Prediction): Prediction | null {
  if (answer.status === 'succeeded') return answer;
  if (['failed', 'canceled', 'aborted'].includes(answer.status)) throw unavailable(`the prediction is ${answer.status}`);
  return null;
}

function read(answer: unknown): Prediction {
  const found = prediction.safeParse(answer);
  if (!found.success) throw unavailable('the engine answered with something else than a prediction');
  return found.data;
}

/** Where to create it, and what names the model there. */
function creation({ url, model }: PredictionsConfig): { address: string; body: object } {
  if (model?.includes('/') && !model.includes(':')) return { address: `${url}/models/${model}/predictions`, body: {} };
  return { address: `${url}/predictions`, body: model === null ? {} : { version: model } };
}

async function throughPolls({ config, outbound }: Parts, input: unknown, context: EngineContext): Promise<Prediction> {
  const { signal } = context;
  const { address, body } = creation(config);
  let latest = read(await callJson(outbound, address, { method: 'POST', ...jsonBody(config.headers, { ...body, input }), signal, maxBytes: mostAnswerBytes }));
  const { id } = latest;
  if (id === undefined) throw unavailable('the prediction has no id');
  return canceling({ config, outbound }, id, async () => {
    for (;;) {
      tell(context, latest);
      const end = ended(latest);
      if (end) return end;
      await pause(config.pollMs, signal);
      latest = read(await callJson(outbound, `${config.url}/predictions/${encodeURIComponent(id)}`, { headers: config.headers, signal, maxBytes: mostAnswerBytes }));
    }
  });
}

async function throughWebhook({ config, outbound, inbox }: Parts, input: unknown, context: EngineContext): Promise<Prediction> {
  const { signal } = context;
  const { id: place, webhook } = await inbox.open(config.name);
  try {
    const { address, body } = creation(config);
    const isOwn = config.delivery === 'cog-webhook';
    const { headers, body: text } = jsonBody(config.headers, { ...body, input, webhook, webhook_events_filter: events, ...isOwn && { id: place } });
    const asked = isOwn ? { ...headers, prefer: 'respond-async' } : headers;
    const created = read(await callJson(outbound, address, { method: 'POST', headers: asked, body: text, signal, maxBytes: mostAnswerBytes }));
    return await canceling({ config, outbound }, created.id ?? place, async () => {
      for await (const word of inbox.words(place, signal)) {
        const latest = read(word);
        tell(context, latest);
        const end = ended(latest);
        if (end) return end;
      }
      throw unavailable('the engine said nothing more');
    });
  } finally {
    await inbox.close(place);
  }
}

/** One PUT that is answered when the picture is ready. Asked again with the same id, the container answers that it is at work. */
async function throughPut({ config, outbound }: Parts, input: unknown, context: EngineContext): Promise<Prediction> {
  const { signal } = context;
  const id = randomBytes(13).toString('hex');
  const address = `${config.url}/predictions/${id}`;
  return canceling({ config, outbound }, id, async () => {
    for (let broken = 0; ;) {
      try {
        const latest = read(await callJson(outbound, address, { method: 'PUT', ...jsonBody(config.headers, { input }), signal, timeoutMs: config.timeoutMs, maxBytes: mostAnswerBytes }));
        tell(context, latest);
        const end = ended(latest);
        if (end) return end;
      } catch (error) {
        broken += 1;
        if (!(error instanceof EngineFault) || broken > 2 || !/not reached/.test(error.message)) throw error;
      }
      await pause(config.pollMs, signal);
    }
  });
}

/** Stops the prediction when its work ends otherwise than with a picture. */
async function canceling<Result>({ config: { url, headers }, outbound }: Pick<Parts, 'config' | 'outbound'>, id: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    await call(outbound, `${url}/predictions/${encodeURIComponent(id)}/cancel`, { method: 'POST', headers, timeoutMs: 5000 }).catch(() => null);
    throw error;
  }
}

/** The last picture of an output: an address, or its bytes in a `data:` address. */
async function pictureOf({ config, outbound }: Parts, output: unknown, signal: AbortSignal): Promise<Uint8Array> {
  const found: unknown = Array.isArray(output) ? output.at(-1) : output;
  if (typeof found !== 'string') throw unavailable('the prediction has no picture');
  const inside = /^data:[^,]*;base64,/.exec(found);
  if (inside) return Buffer.from(found.slice(inside[0].length), 'base64');
  // The key is for the engine alone, not for wherever it keeps its pictures.
  const isOwn = URL.parse(found)?.origin === new URL(config.url).origin;
  const { status, bytes } = await call(outbound, found, { headers: isOwn ? config.headers : {}, signal, maxBytes: mostPictureBytes, ...!isOwn && { redirects: 3 } });
  if (status !== 200) throw unavailable(`the picture's address answered ${status}`);
  return bytes;
}
