import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Failure } from '../../schema/failures.ts';
import { RequestSignInLink, SignIn, SignOut, WhoIsSignedIn } from '../../schema/types/operations.ts';
import { createOutbox } from '../../subgraphs/outbox.ts';
import type { Platform } from '../../subgraphs/platform.ts';
import type { Caller } from '../../subgraphs/subgraph.ts';
import { identify } from '../../subgraphs/caller.ts';
import { addressOf } from '../address.ts';
import type { Graph } from '../graphql.ts';
import { HttpRefusal } from '../rest/answer.ts';
import { ask } from '../rest/ask.ts';
import { generationDialect } from '../rest/dialect.ts';
import { accepted } from '../rest/payload.ts';
import { clearedCookie, isOwnPage, sessionCookie } from '../session-cookie.ts';
import { traceOf } from '../seen-requests.ts';
import { escapeHtml, plainPage } from './plain.ts';

type Parts = { platform: Pick<Platform, 'env' | 'keys'>; graph: Graph };
type Form = Readonly<Record<string, string>>;

/** Signing in by a mailed link, and out again. A link is opened by a button, for programs that look at mail follow links too. */
export function serveLogin(app: FastifyInstance, { platform: { env, keys }, graph }: Parts): void {
  const asking = (request: FastifyRequest, caller: Caller | null = null) => ({ caller, requestId: request.id, trace: traceOf(request), address: addressOf(request.raw, env.trustedProxies) });
  // What a form of ours sends is read by these addresses alone.
  void app.register(async (scope) => {
    scope.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_, body, done) => done(null, Object.fromEntries(new URLSearchParams(String(body)))));
    scope.get('/login', async (request, reply) => {
      const { token } = request.query as Form;
      if (token) return plainPage(reply, 'Sign in', form('/login/open', 'Sign in', `<input type="hidden" name="token" value="${escapeHtml(token)}">`));
      const identity = await identify(keys, request.headers);
      if (identity.kind === 'invalid') reply.header('set-cookie', clearedCookie(env.publicUrl));
      if (identity.kind !== 'caller') return plainPage(reply, 'Sign in', askForAddress);
      const { viewer: { user, account } } = await ask(graph, WhoIsSignedIn, {}, asking(request, identity.caller));
      return plainPage(reply, 'You are signed in', signedIn(user?.email ?? 'an API key', account));
    });
    scope.post('/login', async (request, reply) => answering(request, reply, async ({ email = '' }) => {
      const { requestSignInLink: { sentTo, errors } } = await ask(graph, RequestSignInLink, { email }, asking(request));
      return plainPage(reply, 'Look into your mail', `<p>If ${escapeHtml(accepted(sentTo, errors))} can be reached, a link to sign in is on its way. It works once, within 15 minutes.</p>${hasOutbox(env) ? '<p>Nothing is mailed here, for SMTP_URL is not set: <a href="/outbox">the letter is in the outbox</a>.</p>' : ''}`);
    }));
    scope.post('/login/open', async (request, reply) => answering(request, reply, async ({ token = '' }) => {
      const { signIn: { secret, session, errors } } = await ask(graph, SignIn, { token }, asking(request));
      return reply.header('set-cookie', sessionCookie(accepted(secret, errors), new Date(session?.expiresAt ?? 0), env.publicUrl)).redirect('/login', 303);
    }));
    scope.post('/logout', async (request, reply) => answering(request, reply, async ({ everywhere }) => {
      const identity = await identify(keys, request.headers);
      if (identity.kind === 'caller') await ask(graph, SignOut, { everywhere: everywhere !== undefined }, asking(request, identity.caller));
      return reply.header('set-cookie', clearedCookie(env.publicUrl)).redirect('/login', 303);
    }));
  });
}

const hasOutbox = ({ smtpUrl, mode }: Platform['env']): boolean => smtpUrl === null && mode !== 'production';

/** The mail that was not sent, where it is kept: for development. */
export function serveOutbox(app: FastifyInstance, { env }: Pick<Platform, 'env'>): void {
  if (!hasOutbox(env)) return;
  const outbox = createOutbox(env.dataDir);
  app.get('/outbox', async (request, reply) => {
    if (!isOwnPage(request.headers)) throw new HttpRefusal(403, 'This page is not for other sites');
    const letters = (await outbox.list()).map(({ at, to, subject, text }) => `<article><h2>${escapeHtml(subject)}</h2><p>To ${escapeHtml(to)}, ${escapeHtml(at)}</p><pre>${linked(text)}</pre></article>`);
    return plainPage(reply, 'Outbox', `<p>Mail is kept here and not sent, for SMTP_URL is not set.</p>${letters.join('')}`);
  });
}

async function answering(request: FastifyRequest, reply: FastifyReply, work: (form: Form) => Promise<FastifyReply>): Promise<FastifyReply> {
  if (!isOwnPage(request.headers)) throw new HttpRefusal(403, 'This page is not for other sites');
  try {
    return await work((request.body ?? {}) as Form);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return plainPage(reply.code(generationDialect.status[error.code]), 'That did not work', `<p>${escapeHtml(error.message)}</p><p><a href="/login">Back</a></p>`);
  }
}

const form = (action: string, button: string, fields = ''): string => `<form method="post" action="${action}">${fields}<button>${button}</button></form>`;
const askForAddress = `<p>We mail you a link. Whoever is new here gets an account with it, and 20 credits to try everything.</p>${form('/login', 'Send me a link', '<label>E-mail <input type="email" name="email" required autofocus autocomplete="email" maxlength="254"></label> ')}`;

function signedIn(email: string, { name, slug }: { name: string; slug?: string }): string {
  const where = slug === undefined ? '<a href="/">Start</a>' : `<a href="/org/${escapeHtml(slug)}">${escapeHtml(name)}</a>`;
  return `<p>${escapeHtml(email)}, for ${escapeHtml(name)}. ${where}</p>${form('/logout', 'Sign out')}${form('/logout', 'Sign out everywhere', '<input type="hidden" name="everywhere" value="1">')}`;
}

/** Addresses in a text, as links. */
function linked(text: string): string {
  return escapeHtml(text).replaceAll(/https?:\/\/\S+/g, (url) => `<a href="${url}">${url}</a>`);
}
