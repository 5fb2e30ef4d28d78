import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { familyNames, type RateFamily } from '../../../subgraphs/rates.ts';
import { openOrganization } from '../../support/organization.ts';
import { startTestPlatform } from '../../support/platform.ts';
import { openBusiness } from '../../support/salon.ts';

const platform = await startTestPlatform({ after }, { workers: 0 });
const partner = await platform.tenant({ kind: 'partner' });
const salon = await openBusiness(platform, partner.key);
const organization = await openOrganization(platform);
const { rates } = platform.platform;
const asked: Record<RateFamily, { path: string; headers: Record<string, string>; key: string; init?: object }> = {
  hairstyles: { path: '/api/v1/styles', headers: { 'x-api-key': salon.key }, key: salon.key },
  enterprise: { path: salon.at('clients'), headers: { 'x-api-key': salon.key }, key: salon.key },
  partner: { path: '/api/v1/admin/enterprise', headers: { 'x-partner-api-key': partner.key }, key: partner.key, init: { json: { businessName: 'No' } } },
  headshot: { path: '/api/v2/organization', headers: { authorization: `Bearer ${organization.key}` }, key: organization.key },
};
type Limits = { viewer: { rateLimits: { name: string; limit: number; remaining: number; window: string; resetsAt: string }[] } };

const keyOf = async (key: string) => (await platform.platform.keys.findCaller(key))?.keyId ?? assert.fail();

for (const family of familyNames) {
  test(`${family}: every answer says what is left, the one too many is 429 in the family's words, and the graph says the same`, async () => {
    const { path, headers, key, init } = asked[family];
    const limit = family === 'headshot' ? 300 : 600;
    const keyId = await keyOf(key);
    const ask = async () => platform.rest(path, { headers, ...init });
    const first = await ask();
    assert.deepEqual([first.headers.get('x-ratelimit-limit'), first.headers.get('ratelimit-policy')], [String(limit), `"minute";q=${limit};w=60`]);
    assert.match(first.headers.get('ratelimit') ?? '', /^"minute";r=\d+;t=([1-9]|[1-5]\d|60)$/);
    const reset = Date.parse(first.headers.get('x-ratelimit-reset') ?? '');
    assert.ok(reset % 60_000 === 0 && reset > Date.now() - 5000, first.headers.get('x-ratelimit-reset') ?? '');
    // As if the key had asked that often, at whatever replica: again, when a minute ended meanwhile.
    const spend = async (left: number): Promise<Date> => {
      const { count, resetsAt } = await rates.count(family, keyId);
      await Promise.all(Array.from({ length: Math.max(0, limit - left - count) }, async () => rates.count(family, keyId)));
      return resetsAt;
    };
    let [over, last] = [await ask(), await ask()];
    for (let reset: string | null = null; reset === null || reset !== last.headers.get('x-ratelimit-reset') || reset !== over.headers.get('x-ratelimit-reset');) {
      reset = (await spend(1)).toISOString();
      [last, over] = [await ask(), await ask()];
    }
    assert.deepEqual([last.headers.get('x-ratelimit-remaining'), last.status === 429, over.status], ['0', false, 429], over.text);
    assert.deepEqual([over.headers.get('x-ratelimit-remaining'), /^([1-9]|[1-5]\d|60)$/.test(over.headers.get('retry-after') ?? ''), over.text.includes('Rate limit exceeded')], ['0', true, true]);
    const { viewer: { rateLimits } } = await platform.gql<Limits>(key, '{ viewer { rateLimits { name limit remaining window resetsAt } } }');
    assert.deepEqual(rateLimits.filter(({ name }) => name === `requests-${family}`).map(({ limit: most, remaining, window }) => [most, remaining, window]), [[limit, 0, 'MINUTE']]);
  });
}

test('the detections of the month are among the limits of a key', async () => {
  const { key } = await platform.tenant();
  const { viewer: { rateLimits } } = await platform.gql<Limits>(key, '{ viewer { rateLimits { name limit remaining window resetsAt } } }');
  const month = new Date(Date.UTC(new Date().getUTCFullYear(), new Date().getUTCMonth() + 1)).toISOString();
  assert.deepEqual(rateLimits.filter(({ name }) => name === 'skin-shades'), [{ name: 'skin-shades', limit: 100, remaining: 100, window: 'MONTH', resetsAt: month }]);
});
