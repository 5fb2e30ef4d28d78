import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Failure } from '../../schema/failures.ts';
import { ShowEnterprise, type ShowEnterpriseQuery } from '../../schema/types/operations.ts';
import { identify } from '../../subgraphs/caller.ts';
import type { Keys } from '../../subgraphs/keys.ts';
import type { Graph } from '../graphql.ts';
import { ask } from '../rest/ask.ts';
import { escapeHtml, plainPage } from './plain.ts';

type Business = NonNullable<ShowEnterpriseQuery['enterprise']>;
type Widget = Business['widgets'][number];

/** The addresses that a new business is given. Who is signed in for it sees it; everybody else is answered alike, whether it exists or not. */
export function serveBusinessPages(app: FastifyInstance, { keys, graph }: { keys: Pick<Keys, 'findCaller'>; graph: Graph }): void {
  app.get('/org/:slug', async (request, reply) => {
    const business = await findOwn(request, keys, graph);
    return business ? plainPage(reply, business.name, overview(business, pathOf(request))) : plainPage(reply, 'Your business', '<p><a href="/login">Sign in</a> to act for it. Its clients, keys and credits are in the API: a session opens it, and so does the key that came with the business.</p>');
  });
  app.get('/org/:slug/widgets/:id', async (request, reply) => {
    const widget = (await findOwn(request, keys, graph))?.widgets.find(({ id }) => id === (request.params as Params)['id']);
    return widget ? plainPage(reply, `The widget of ${widget.brandName}`, management(widget, pathOf(request))) : plainPage(reply, 'Your widget', '<p><a href="/login">Sign in</a> to act for the business that it belongs to.</p>');
  });
  // Made to stand in other sites' pages.
  app.get('/studio-widget', async (_, reply) => plainPage(reply.removeHeader('x-frame-options'), 'Hair consultation', '<p>Ask in the salon for your pictures.</p>', { framedBy: '*' }));
}

type Params = Readonly<Record<string, string | undefined>>;
const pathOf = ({ params }: FastifyRequest): string => `/org/${encodeURIComponent((params as Params)['slug'] ?? '')}`;

/** The business of that slug, for who is signed in for it. */
async function findOwn(request: FastifyRequest, keys: Pick<Keys, 'findCaller'>, graph: Graph): Promise<Business | null> {
  const identity = await identify(keys, request.headers);
  if (identity.kind !== 'caller') return null;
  try {
    return (await ask(graph, ShowEnterprise, { slug: (request.params as Params)['slug'] ?? '' }, { caller: identity.caller, requestId: request.id })).enterprise;
  } catch (error) {
    if (error instanceof Failure) return null;
    throw error;
  }
}

function overview({ subscriptionStatus, credits, clients, generations, users, widgets }: Business, path: string): string {
  const facts: readonly [string, string][] = [
    ['Subscription', subscriptionStatus.toLowerCase().replace('_', ' ')], ['Credits', String(credits.available)], ['Clients', String(clients.totalCount)], ['Generations', String(generations.totalCount)],
    ['People', users.map(({ user, roles }) => `${user.email} (${roles.map((role) => role.toLowerCase().replace('_', ' ')).join(', ')})`).join('; ')],
  ];
  const links = widgets.map(({ id, enabled }) => `<li><a href="${path}/widgets/${id}">Widget ${id}</a>, ${enabled ? 'enabled' : 'disabled'}</li>`);
  return `${listed(facts)}<ul>${links.join('')}</ul><p>Its clients, keys and pictures are in the API. <a href="/login">Sign out</a></p>`;
}

function management({ id, enabled, embedUrl }: Widget, path: string): string {
  return `${listed([['Number', id], ['State', enabled ? 'enabled' : 'disabled'], ['Address', embedUrl]])}<p><a href="${escapeHtml(embedUrl)}">See it as clients do</a>. <a href="${path}">Back</a></p>`;
}

const listed = (facts: readonly (readonly [string, string])[]): string => `<dl>${facts.map(([name, value]) => `<dt>${name}</dt><dd>${escapeHtml(value)}</dd>`).join('')}</dl>`;
