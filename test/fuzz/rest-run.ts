import assert from 'node:assert/strict';
import { request } from 'node:http';
import { inspect } from 'node:util';
import * as fc from 'fast-check';
import type { AnyRoute } from '../../gateway/rest/route.ts';
import { restRoutes } from '../../gateway/rest/routes.ts';
import { defaultScopes } from '../../subgraphs/keys.ts';
import { openOrganization } from '../support/organization.ts';
import { smallPortrait } from '../support/photos.ts';
import { startTestPlatform, type TestPlatform } from '../support/platform.ts';
import { addClient, openBusiness } from '../support/salon.ts';
import type { FuzzRun } from './pictures-run.ts';
import { type Known, type Request, requestsTo } from './requests.ts';

type Answer = { status: number; type: string; text: string };
/** Of the headshot API a key may ask so often in a minute; then comes the next one. */
const usesOfKey = 250;

/** What a documented endpoint may answer with: everything but a fault. */
const statuses = new Set([200, 201, 202, 204, 304, 400, 401, 402, 403, 404, 406, 409, 413, 414, 415, 422, 429, 431]);

/** Something of everything that paths name, and a key for each family. */
export async function openRest(platform: TestPlatform) {
  const partner = await platform.tenant({ kind: 'partner' });
  const [personal, salon, organization] = [await platform.tenant(), await openBusiness(platform, partner.key), await openOrganization(platform, { amount: 10_000 })];
  await platform.upload(personal.key, await smallPortrait(300));
  const clientId = await addClient(platform, salon, { email: 'jane@example.com', name: 'Jane' });
  const generation = await platform.generate(personal.key, { mode: 'test', styles: ['817941'], image_name: 'me.jpg' });
  const { organization: { teams: [team] } } = await organization.ok<{ organization: { teams: { id: string }[] } }>('POST', '/teams', { name: 'Team' });
  await organization.ok('POST', '/invites', { email: 'member@example.com' });
  const known = (route: AnyRoute): Known => ({ slug: [salon.slug], id: [route.path.includes('/clients/') ? clientId : generation], teamId: [team?.id ?? ''], email: ['member@example.com'] });
  let [uses, headshotKey] = [0, organization.key];
  const keyOf = async ({ path }: AnyRoute): Promise<string> => {
    if (path.startsWith('/api/v1/admin')) return partner.key;
    if (path.startsWith('/api/v1/enterprise')) return salon.key;
    if (!path.startsWith('/api/v2')) return personal.key;
    uses += 1;
    if (uses % usesOfKey === 0) headshotKey = (await platform.platform.keys.issue({ accountId: organization.accountId, accountKind: 'organization', name: 'Test', scopes: defaultScopes('organization'), expiresAt: null })).secret;
    return headshotKey;
  };
  return {
    routes: restRoutes, known,
    /** Sends `cases` requests to one route; rejects with the smallest that was answered in a way that is not documented. */
    async try(route: AnyRoute, { cases, seed }: { cases: number; seed: number }): Promise<void> {
      const property = fc.asyncProperty(requestsTo(route, known(route)), async (sent) => {
        const wrong = wrongWith(route, sent, await send(platform.port, { ...sent, headers: { 'x-api-key': await keyOf(route), ...sent.headers } }));
        assert.equal(wrong, null);
      });
      await fc.assert(property, { numRuns: cases, seed, endOnFailure: false, interruptAfterTimeLimit: 3_600_000 });
    },
  };
}

/** `cases` bad requests to every endpoint; how many endpoints answered one of them wrongly. */
export async function fuzzRest({ scope, cases, seed, say }: FuzzRun): Promise<number> {
  const rest = await openRest(await startTestPlatform(scope, { workers: 0 }));
  let wrong = 0;
  for (const route of rest.routes) {
    const from = performance.now();
    const failure = await rest.try(route, { cases, seed }).then(() => null, (error: unknown) => error);
    if (failure !== null) wrong += 1;
    say(`${route.method} ${route.path}: ${failure === null ? `${cases} requests in ${Math.round((performance.now() - from) / 1000)} s` : `WRONG ${inspect(failure, { depth: 4 })}`}`);
  }
  return wrong;
}

/** As it is: what `fetch` would not send, too. A server that hangs up on what it will not read is an answer of status 0. */
export function send(port: number, { method, path, headers, body }: Request): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { 'content-type': type, ...others } = headers;
    const sending = request({ port, host: '127.0.0.1', agent: false, method, path: path, headers: { ...others, ...type && { 'content-type': type }, ...body && { 'content-length': body.length } } }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk)).once('error', reject).once('end', () => resolve({ status: response.statusCode ?? 0, type: response.headers['content-type'] ?? '', text }));
    });
    sending.setTimeout(30_000, () => sending.destroy(new Error('no answer in 30 s')));
    sending.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EPIPE' || (error.code === 'ECONNRESET' && (body?.length ?? 0) > 60_000) ? resolve({ status: 0, type: '', text: '' }) : reject(error)));
    sending.end(body);
  });
}

function wrongWith(route: AnyRoute, sent: Request, { status, type, text }: Answer): string | null {
  const said = `${sent.method} ${sent.path.slice(0, 300)} was answered ${status} ${text.slice(0, 300)}`;
  if (status === 0) return null;
  if (!statuses.has(status)) return said;
  if (status < 400) return null;
  if (type.startsWith('application/problem+json')) return 'code' in parsed(text) ? null : said;
  const expected = route.dialect.error({ status, code: 'VALIDATION', message: 'x' }) as Record<string, unknown>;
  const body = parsed(text);
  const isShaped = Object.entries(expected).every(([name, value]) => name in body && (value === 'x' ? typeof body[name] === 'string' && body[name] !== '' : typeof body[name] === typeof value));
  return type.startsWith('application/json') && isShaped && !/\bat [\w.<>]+ \(|node_modules|pg_|syntax error|invalid byte/.test(text) ? null : said;
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
