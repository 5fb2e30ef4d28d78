import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, describe, test } from 'node:test';
import { until } from '../support/database.ts';
import { lettersTo, linkFor, tokenIn } from '../support/people.ts';
import { startTestPlatform } from '../support/platform.ts';
import { addClient, openBusiness } from '../support/salon.ts';

const platform = await startTestPlatform({ after }, { variables: { TRUSTED_PROXIES: '127.0.0.1, ::1' } });
const post = async (path: string, fields: Record<string, string>, headers: Record<string, string> = {}) =>
  platform.rest(path, { body: new URLSearchParams(fields).toString(), headers: { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin', ...headers } });
/** The cookie that a browser would send from then on. */
const cookieOf = ({ headers }: { headers: Headers }): string => headers.get('set-cookie')?.split(';', 1)[0] ?? '';
const signIn = async (email: string): Promise<string> => cookieOf(await post('/login/open', { token: await linkFor(platform, email) }));
const ask = async (cookie: string, headers: Record<string, string> = {}) =>
  platform.rest<{ data: { viewer: { user: { email: string } } } | null }>('/graphql', { json: { query: '{ viewer { user { email } } }' }, headers: { cookie, ...headers } });

test('by pages alone: an address is asked for, a link is mailed, a button opens it, and two buttons end it', async () => {
  const first = await platform.rest('/login');
  assert.match(first.text, /<form method="post" action="\/login">.*name="email"/);
  const sent = await post('/login', { email: 'Paula@example.org' });
  assert.deepEqual([sent.status, /link to sign in is on its way/.test(sent.text)], [200, true]);
  assert.match(sent.text, /Nothing is mailed here.*<a href="\/outbox">/);
  const token = await until(async () => (await lettersTo(platform, 'paula@example.org')).map(({ text }) => tokenIn(text))[0] ?? null);
  // Programs that look at mail open links.
  for (let look = 0; look < 3; look++) assert.match((await platform.rest(`/login?token=${token}`)).text, new RegExp(`action="/login/open".*value="${token}"`));
  const opened = await post('/login/open', { token });
  assert.deepEqual([opened.status, opened.headers.get('location')], [303, '/login']);
  assert.match(opened.headers.get('set-cookie') ?? '', /^lookgraph_session=session_[0-9A-Za-z]{43}; Path=\/; HttpOnly; SameSite=Lax; Expires=[^;]+ GMT$/);
  const cookie = cookieOf(opened);
  assert.match((await platform.rest('/login', { headers: { cookie, 'sec-fetch-site': 'none' } })).text, /paula@example\.org, for paula/);
  assert.equal((await ask(cookie)).body.data?.viewer.user.email, 'paula@example.org');
  const out = await post('/logout', {}, { cookie });
  assert.deepEqual([out.status, cookieOf(out)], [303, 'lookgraph_session=']);
  assert.equal((await ask(cookie)).status, 401);
  assert.match((await platform.rest('/login', { headers: { cookie } })).text, /name="email"/);
  const again = await post('/login/open', { token });
  assert.deepEqual([again.status, /was used already/.test(again.text)], [404, true]);
});

test('its pages have one style, which their policy names, and long lines of letters are wrapped', async () => {
  for (const path of ['/login', '/login?token=x', '/outbox', '/org/nobody']) {
    const { text, headers } = await platform.rest(path);
    const style = /<style>(.+)<\/style>/.exec(text)?.[1] ?? '';
    assert.match(style, /pre \{[^}]*white-space: pre-wrap/);
    assert.ok(headers.get('content-security-policy')?.includes(`style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`), path);
  }
});

test('the button for everywhere ends all sessions', async () => {
  const [one, two] = [await signIn('every@example.org'), await signIn('every@example.org')];
  await post('/logout', { everywhere: '1' }, { cookie: one });
  assert.deepEqual([(await ask(one)).status, (await ask(two)).status], [401, 401]);
});

test('who signs in for a business is led to its page', async () => {
  const partner = await platform.tenant({ kind: 'partner' });
  const salon = await openBusiness(platform, partner.key, 'boss@salon.example');
  const cookie = await signIn('boss@salon.example');
  assert.match((await platform.rest('/login', { headers: { cookie } })).text, new RegExp(`boss@salon\\.example, for Hair Salon &#38; Spa\\. <a href="/org/${salon.slug}">`));
  await addClient(platform, salon, { email: 'client@example.org' });
  const [overview, widget] = [`/org/${salon.slug}`, `/org/${salon.slug}/widgets/${salon.widgetId}`];
  const { status, text } = await platform.rest(overview, { headers: { cookie } });
  assert.equal(status, 200);
  assert.match(text, new RegExp(`<h1>Hair Salon &#38; Spa</h1>.*<dd>active</dd>.*<dd>20</dd>.*<dt>Clients</dt><dd>1</dd>.*boss@salon\\.example \\(business owner, admin\\).*<a href="${widget}">`));
  const managed = await platform.rest(widget, { headers: { cookie } });
  assert.match(managed.text, new RegExp(`The widget of Hair Salon &#38; Spa.*<dd>enabled</dd>.*/studio-widget\\?widget_id=${salon.widgetId}`));
  assert.equal((await platform.rest(new URL(/href="(http[^"]+widget_id=\d+)"/.exec(managed.text)?.[1] ?? '').pathname, { headers: { cookie } })).status, 200);
  // Whoever else looks sees what a business that nobody has would show.
  const stranger = await signIn('other@salon.example');
  for (const [theirs, nobodys] of [[overview, '/org/no-such-salon-1'], [widget, '/org/no-such-salon-1/widgets/1']] as const) {
    for (const headers of [{ cookie: stranger }, {}]) assert.deepEqual((await platform.rest(theirs, { headers: headers as Record<string, string> })).text, (await platform.rest(nobodys)).text);
  }
});

describe('another site', () => {
  const foreign = [{ 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }, { origin: 'https://evil.example' }, { origin: 'null' }];
  test('has nothing of a cookie that the browser sends along', async () => {
    const cookie = await signIn('victim@example.org');
    for (const headers of foreign) assert.equal((await ask(cookie, headers)).body.data, null, JSON.stringify(headers));
    for (const headers of [{ 'sec-fetch-site': 'same-origin' }, { origin: platform.url }, {}]) assert.ok((await ask(cookie, headers)).body.data, JSON.stringify(headers));
  });
  test('signs nobody in or out, mails nobody and reads no mail', async () => {
    const cookie = await signIn('stays@example.org');
    const token = await linkFor(platform, 'mine@example.org');
    for (const headers of foreign) {
      const given = { 'sec-fetch-site': '', ...headers };
      const of = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ''));
      const send = async (path: string, fields: Record<string, string>) => platform.rest(path, { body: new URLSearchParams(fields).toString(), headers: { 'content-type': 'application/x-www-form-urlencoded', cookie, ...of } });
      assert.deepEqual([(await send('/login', { email: 'spam@example.org' })).status, (await send('/login/open', { token })).status, (await send('/logout', { everywhere: '1' })).status], [403, 403, 403]);
      assert.equal((await platform.rest('/outbox', { headers: of })).status, 403);
    }
    assert.deepEqual([(await ask(cookie)).status, (await lettersTo(platform, 'spam@example.org')).length, (await post('/login/open', { token })).status], [200, 0, 303]);
  });
});

test('a key that is sent counts before the cookie', async () => {
  const [cookie, tenant] = [await signIn('both@example.org'), await platform.tenant()];
  const { body } = await platform.rest<{ data: { viewer: { session: object | null } } }>('/graphql', { key: tenant.key, json: { query: '{ viewer { session { id } } }' }, headers: { cookie } });
  assert.equal(body.data.viewer.session, null);
});

test('a form that is wrong is told so, and whatever is in it is text', async () => {
  for (const email of ['', 'nobody', '<b>@', 'a b@example.org']) assert.equal((await post('/login', { email })).status, 400, email);
  const { text } = await post('/login', { email: '"<script>"@example.org' });
  assert.match(text, /&#60;script&#62;/);
  assert.doesNotMatch((await platform.rest('/outbox')).text + (await platform.rest('/login?token=%22%3E%3Cscript%3E')).text, /<script/);
  assert.equal((await platform.rest('/login', { method: 'POST', body: 'x'.repeat(2_000_000), headers: { 'content-type': 'application/x-www-form-urlencoded' } })).status, 413);
  assert.equal((await platform.rest('/api/v1/images', { method: 'POST', body: 'a=b', headers: { 'content-type': 'application/x-www-form-urlencoded' }, key: (await platform.tenant()).key })).status, 415, 'no other address reads forms');
});
