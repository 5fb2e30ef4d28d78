import { Failure } from '../../schema/failures.ts';
import type { CreateWebhookEndpointInput, RotateSecretInput, UpdateWebhookEndpointInput } from '../../schema/types/enterprise.ts';
import { type AccountId, type EndpointId, newEndpointId, parseDeliveryId, parseEndpointId, parseUserId } from '../ids.ts';
import type { Letter } from '../mail.ts';
import { OutboundRefused } from '../outbound.ts';
import { type Page, page, pageRequest } from '../paging.ts';
import type { Platform } from '../platform.ts';
import { type Keyed, secretBytes } from '../requests.ts';
import type { Caller } from '../subgraph.ts';
import { bytesOf } from '../webhooks-sender.ts';
import { createSecret, webhookEvents } from '../webhooks.ts';
import type { DeliveryFilter, DeliveryRow, EndpointRow, EndpointStore } from './endpoint-store.ts';
import type { Store } from './store.ts';

const mostEndpoints = 20;
const longestOverlapHours = 168;
/** What letters about an endpoint that was disabled are posted under; the subject is `accountId endpointId userId`. */
export const disabledMail = 'enterprise.webhook-disabled';

type Parts = Pick<Platform, 'connection' | 'env' | 'outbound' | 'requests' | 'webhooks'> & { store: Store; endpoints: EndpointStore };
type Shown = { endpoint: EndpointRow; secret: string; hexSecret: string };

const shown = (endpoint: EndpointRow, secret: string): Shown => ({ endpoint, secret, hexSecret: hexOf(secret) });
const hexOf = (secret: string): string => Buffer.from(bytesOf(secret)).toString('hex');

/** @throws Failure VALIDATION; LIMIT_REACHED with 20 endpoints; IDEMPOTENCY_CONFLICT. */
export async function createEndpoint(parts: Parts, { accountId }: Caller, input: CreateWebhookEndpointInput, keyed: Keyed | null): Promise<Shown> {
  const { endpoints, env, outbound, requests } = parts;
  const [url, events] = [checkUrl(outbound, input.url), checkEvents(input.events)];
  const id = newEndpointId();
  const secretOf = (seed: string | null): string => createSecret(seed === null ? undefined : secretBytes(env, seed));
  return requests.once(accountId, keyed, id, {
    async work(seed) {
      if ((await endpoints.lockEndpoints(accountId)) >= mostEndpoints) throw new Failure('LIMIT_REACHED', `An account has at most ${mostEndpoints} webhook endpoints`);
      const secret = secretOf(seed);
      return shown(await endpoints.insertEndpoint(accountId, { id, url, events, secret }), secret);
    },
    async replay(earlier, seed) {
      const endpoint = await endpoints.findEndpoint(accountId, earlier);
      return endpoint && shown(endpoint, secretOf(seed));
    },
  });
}

/** @throws Failure NOT_FOUND; VALIDATION. */
export async function updateEndpoint({ endpoints, outbound }: Parts, { accountId }: Caller, id: string, { url, events }: UpdateWebhookEndpointInput): Promise<{ endpoint: EndpointRow }> {
  const changes = { url: url ? checkUrl(outbound, url) : undefined, events: events ? checkEvents(events) : undefined };
  return { endpoint: known(await endpoints.updateEndpoint(accountId, endpointId(id), changes)) };
}

/** What waits for an endpoint that is disabled is kept for 30 days and leaves when it is enabled. @throws Failure NOT_FOUND. */
export async function setEnabled({ connection, endpoints, webhooks }: Parts, { accountId }: Caller, id: string, enabled: boolean): Promise<{ endpoint: EndpointRow }> {
  return connection.transaction(async () => {
    const endpoint = known(await (enabled ? endpoints.enableEndpoint : endpoints.disableEndpoint)(accountId, endpointId(id), new Date()));
    if (enabled) await webhooks.wake();
    return { endpoint };
  });
}

/** @throws Failure NOT_FOUND. */
export async function deleteEndpoint({ endpoints }: Parts, { accountId }: Caller, id: string): Promise<{ deletedId: EndpointId }> {
  const found = endpointId(id);
  if (!(await endpoints.deleteEndpoint(accountId, found))) throw noEndpoint();
  return { deletedId: found };
}

/** @throws Failure NOT_FOUND; VALIDATION; IDEMPOTENCY_CONFLICT. */
export async function rotateSecret({ endpoints, env, requests }: Parts, { accountId }: Caller, input: RotateSecretInput & { id: string }, keyed: Keyed | null): Promise<Shown> {
  const [id, until] = [endpointId(input.id), overlapOf(input)];
  const secretOf = (seed: string | null): string => createSecret(seed === null ? undefined : secretBytes(env, seed));
  return requests.once(accountId, keyed, id, {
    async work(seed) {
      const secret = secretOf(seed);
      return shown(known(await endpoints.rotateEndpointSecret(accountId, id, { secret, until })), secret);
    },
    replay: async (earlier, seed) => shown(known(await endpoints.findEndpoint(accountId, earlier)), secretOf(seed)),
  });
}

/** @throws Failure VALIDATION; IDEMPOTENCY_CONFLICT. */
export async function rotateCallbackSecret({ endpoints, env, requests }: Parts, { accountId }: Caller, input: RotateSecretInput, keyed: Keyed | null): Promise<{ secret: string; hexSecret: string }> {
  const until = overlapOf(input);
  const secretOf = (seed: string | null): string => createSecret(seed === null ? undefined : secretBytes(env, seed));
  const both = (secret: string) => ({ secret, hexSecret: hexOf(secret) });
  return requests.once(accountId, keyed, accountId, {
    async work(seed) {
      const secret = secretOf(seed);
      await endpoints.rotateCallbackSecret(accountId, { secret, until });
      return both(secret);
    },
    replay: async (_, seed) => both(secretOf(seed)),
  });
}

/** @throws Failure NOT_FOUND; CONFLICT while the endpoint is disabled. */
export async function replayDelivery({ endpoints, requests, webhooks }: Parts, { accountId }: Caller, given: string, keyed: Keyed | null): Promise<{ delivery: DeliveryRow }> {
  const id = parseDeliveryId(given);
  const find = async () => id && (await endpoints.findDelivery(accountId, id));
  const work = async () => {
    const delivery = await find();
    const endpoint = delivery?.endpointId && (await endpoints.findEndpoint(accountId, delivery.endpointId));
    if (endpoint && !endpoint.enabled) throw new Failure('CONFLICT', 'The webhook endpoint is disabled', { path: ['id'], existingId: endpoint.id });
    const replayed = delivery && (await endpoints.replayDelivery(accountId, delivery.id, new Date()));
    if (!replayed) throw new Failure('NOT_FOUND', 'Webhook delivery not found', { path: ['id'] });
    await webhooks.wake();
    return { delivery: replayed };
  };
  const replay = async () => {
    const delivery = await find();
    return delivery && { delivery };
  };
  return requests.once(accountId, keyed, given, { work, replay });
}

/** The log of deliveries, newest first. */
export async function pageOfDeliveries(endpoints: EndpointStore, accountId: AccountId, filter: DeliveryFilter, args: { first?: number | null; after?: string | null }): Promise<Page<DeliveryRow>> {
  const request = pageRequest(args, 20);
  return page(await endpoints.listDeliveries(accountId, filter, request), request, ({ id }) => id);
}

/** Tells who answers for an account, each in a letter, that nobody listens at one of its endpoints. */
export function disabledReporter({ mail, store }: Pick<Platform, 'mail'> & { store: Store }) {
  return async ({ accountId, endpointId: id }: { accountId: AccountId; endpointId: EndpointId }): Promise<void> => {
    const members = await store.listMembers(accountId);
    for (const { user } of members.filter(({ roles }) => roles.includes('business_owner') || roles.includes('admin'))) await mail.post(disabledMail, `${accountId} ${id} ${user.id}`);
  };
}

export function disabledWriter({ env, store, endpoints }: Pick<Platform, 'env'> & { store: Store; endpoints: EndpointStore }): (subjectId: string) => Promise<Letter | null> {
  return async (subjectId) => {
    // We wrote it: it is made of ids.
    const [accountId, id, user] = subjectId.split(' ') as [AccountId, EndpointId, string];
    const userId = parseUserId(user);
    const [endpoint, member, account] = [await endpoints.findEndpoint(accountId, id), userId && (await store.findMember(accountId, userId)), await store.findAccount(accountId)];
    if (!endpoint || !member || !account || endpoint.enabled) return null;
    const name = account.name.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();
    return {
      to: member.user.emailKey, subject: `Webhooks of ${name} are no longer sent`,
      text: `Lookgraph has stopped to send events of ${name} to\n\n${endpoint.url}\n\nbecause ${endpoint.disabledReason ?? 'it was disabled'}. What could not be delivered is kept for 30 days. When the address works again, enable the endpoint ${endpoint.id} with the mutation enableWebhookEndpoint at ${env.publicUrl}/graphql.\n`,
    };
  };
}

function checkUrl(outbound: Parts['outbound'], url: string): string {
  try {
    outbound.check(url);
    return url;
  } catch (error) {
    if (error instanceof OutboundRefused) throw new Failure('VALIDATION', error.message, { path: ['input', 'url'] });
    throw error;
  }
}

function checkEvents(events: readonly string[]): readonly string[] {
  const known = new Set<string>(['*', ...webhookEvents]);
  const unknown = events.findIndex((event) => !known.has(event));
  if (unknown >= 0) throw new Failure('VALIDATION', `Unknown event ${JSON.stringify(events[unknown]?.slice(0, 64))}; there are ${webhookEvents.join(', ')} and *`, { path: ['input', 'events', String(unknown)] });
  if (events.length === 0) throw new Failure('VALIDATION', 'Choose at least one event', { path: ['input', 'events'] });
  return [...new Set(events)];
}

function overlapOf({ overlapHours = 24 }: RotateSecretInput): Date {
  if (overlapHours < 0 || overlapHours > longestOverlapHours) throw new Failure('VALIDATION', `overlapHours must be from 0 to ${longestOverlapHours}`, { path: ['input', 'overlapHours'] });
  return new Date(Date.now() + overlapHours * 3_600_000);
}

const noEndpoint = (): Failure => new Failure('NOT_FOUND', 'Webhook endpoint not found', { path: ['id'] });

function endpointId(text: string): EndpointId {
  const id = parseEndpointId(text);
  if (!id) throw noEndpoint();
  return id;
}

function known(endpoint: EndpointRow | null): EndpointRow {
  if (!endpoint) throw noEndpoint();
  return endpoint;
}
