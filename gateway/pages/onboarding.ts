import { readFileSync } from 'node:fs';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Failure } from '../../schema/failures.ts';
import type { TypedOperation } from '../../schema/types/operation.ts';
import { AcceptInvite, AddSelfie, CompleteOnboarding, CreateSelfieUpload, RemoveSelfie, SeeOnboarding, WatchOnboarding } from '../../schema/types/operations.ts';
import type { Platform } from '../../subgraphs/platform.ts';
import { addressOf } from '../address.ts';
import { closeSignal } from '../door.ts';
import type { Graph } from '../graphql.ts';
import { HttpRefusal, sendReply, sendRefusal } from '../rest/answer.ts';
import { closingOf, type Openings } from '../openings.ts';
import { ask, watch } from '../rest/ask.ts';
import { readBody } from '../rest/body.ts';
import { type Dialect, generationDialect } from '../rest/dialect.ts';
import { streamEvents } from '../rest/event-stream.ts';
import { accepted } from '../rest/payload.ts';
import { isOwnPage } from '../session-cookie.ts';

type Parts = { platform: Pick<Platform, 'env'>; graph: Graph; openings: Openings };

const file = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');
const page = file('onboarding.html');
const assets = { 'onboarding.css': 'text/css', 'onboarding.js': 'text/javascript', 'onboarding-selfies.js': 'text/javascript', 'onboarding-headshots.js': 'text/javascript', 'event-stream.js': 'text/javascript' } as const;
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/** What the page is told when something is refused: the code, and one sentence to show. */
const dialect: Dialect = { ...generationDialect, error: ({ code, message, detail: { existingId } = {} }) => ({ code, message, ...existingId !== undefined && { existingId } }) };

const token = z.string();
/** Something that the page asks for with the token of its link: fixed operations, so that it works where no others are let in. */
type Step = { operation: TypedOperation<object, object>; variables(body: unknown): object; reply(data: object): object };

function step<Result extends object, Variables extends object>(operation: TypedOperation<Result, Variables>, body: z.ZodType<Variables>, reply: (data: Result) => object): Step {
  // What is asked and how its answer is read are of one pair of types here, and only here.
  return { operation, variables: (given: unknown) => readBody(body, given), reply } as unknown as Step;
}

const follows = z.object({ token, afterSeq: z.int().min(0).nullish() });

const steps: Readonly<Record<string, Step>> = {
  see: step(SeeOnboarding, z.object({ token }), ({ onboarding }) => {
    if (!onboarding) throw new Failure('NOT_FOUND', 'This link is no longer valid');
    return onboarding;
  }),
  accept: step(AcceptInvite, z.object({ token, name: z.string() }), ({ acceptInvite: { onboarding, errors } }) => accepted(onboarding, errors)),
  upload: step(CreateSelfieUpload, z.object({ token, byteLength: z.int() }), ({ createSelfieUpload: { upload, errors } }) => accepted(upload, errors)),
  add: step(AddSelfie, z.object({ token, uploadId: z.string(), name: z.string().nullish() }), ({ addSelfie: { selfie, onboarding, errors } }) => ({ selfie: accepted(selfie, errors), onboarding })),
  remove: step(RemoveSelfie, z.object({ token, id: z.string() }), ({ removeSelfie: { onboarding, errors } }) => accepted(onboarding, errors)),
  complete: step(CompleteOnboarding, z.object({ token }), ({ completeOnboarding: { onboarding, errors } }) => accepted(onboarding, errors)),
};

/** The page behind the links of invited people, and of those whose headshots were started without an invitation. The token of the link is all that it needs. */
export function serveOnboarding(app: FastifyInstance, { platform: { env }, graph, openings }: Parts): void {
  const asking = (request: FastifyRequest) => ({ caller: null, requestId: request.id, address: addressOf(request.raw, env.trustedProxies) });
  for (const path of ['/auth/signup', '/auth/social']) {
    app.get(path, async (_, reply) => reply.header('content-security-policy', policy).header('referrer-policy', 'no-referrer').header('cache-control', 'no-store').type('text/html; charset=utf-8').send(page));
  }
  for (const [name, type] of Object.entries(assets)) {
    const text = file(name);
    app.get(`/${name}`, async (_, reply) => reply.header('cache-control', 'no-cache').type(`${type}; charset=utf-8`).send(text));
  }
  for (const [name, { operation, variables, reply: replyOf }] of Object.entries(steps)) {
    app.post(`/onboarding/${name}`, async (request, reply) => answering(request, reply, async () => {
      await sendReply(reply, request, { body: replyOf(await ask(graph, operation, variables(request.body), asking(request))) });
    }));
  }
  app.post('/onboarding/events', async (request, reply) => answering(request, reply, async () => {
    const events = await watch(graph, WatchOnboarding, readBody(follows, request.body), { ...asking(request), signal: closeSignal(reply.raw) });
    const body = streamEvents(events, ({ onboardingProgress: event }) => ({ id: event.seq, name: event.kind.toLowerCase(), data: event, isLast: event.terminal }));
    body.once('close', openings.track(null, closingOf(body)));
    await reply.type('text/event-stream; charset=utf-8').header('cache-control', 'no-store, no-transform').header('x-accel-buffering', 'no').send(body);
  }));
}

async function answering(request: FastifyRequest, reply: FastifyReply, work: () => Promise<void>): Promise<FastifyReply> {
  reply.header('cache-control', 'no-store');
  try {
    if (!isOwnPage(request.headers)) throw new HttpRefusal(403, 'This page is not for other sites');
    await work();
  } catch (error) {
    await sendRefusal(reply, request, dialect, error);
  }
  return reply;
}
