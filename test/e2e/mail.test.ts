import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../support/database.ts';
import { lettersTo, requestLink, tokenIn, useLink } from '../support/people.ts';
import { startTestPlatform } from '../support/platform.ts';
import { freePort } from '../support/process.ts';
import { startServer } from '../support/server.ts';
import { startSmtp } from '../support/smtp.ts';

const inbox = ({ letters }: Awaited<ReturnType<typeof startSmtp>>, email: string) => letters.filter(({ to }) => to.includes(email));
/** What a letter says, its lines whole again. */
const plain = (text: string): string => text.replaceAll('=\n', '').replaceAll('=3D', '=');

test('mail leaves by SMTP, from the given sender, and what is put off is sent later under the same id', async (t) => {
  const smtp = await startSmtp(t);
  const platform = await startTestPlatform(t, { variables: { SMTP_URL: smtp.url, MAIL_FROM: 'Salon Net <hello@salon.example>' } });
  await requestLink(platform, 'Ann@example.org');
  const [letter] = await until(() => inbox(smtp, 'ann@example.org').length === 1 && inbox(smtp, 'ann@example.org'));
  assert.equal(letter?.from, 'hello@salon.example');
  assert.match(letter.text, /^From: Salon Net <hello@salon\.example>$/m);
  assert.match(letter.text, /^Subject: Your link to sign in$/m);
  const id = /^Message-ID: (<[\w-]+@salon\.example>)$/m.exec(letter.text)?.[1];
  assert.ok(id);
  assert.deepEqual((await useLink(platform, tokenIn(plain(letter.text)) ?? '')).errors, []);
  assert.deepEqual([(await lettersTo(platform, 'ann@example.org')).length, (await platform.rest('/outbox')).status], [0, 404]);

  smtp.state.mood = 'defers';
  const tries = smtp.state.tries;
  await requestLink(platform, 'ben@example.org');
  await until(() => smtp.state.tries > tries);
  assert.equal(inbox(smtp, 'ben@example.org').length, 0);
  smtp.state.mood = 'takes';
  await until(() => inbox(smtp, 'ben@example.org').length === 1);
});

test('a letter that was being sent when the server was killed is sent after the restart, and a session goes on', async (t) => {
  const smtp = await startSmtp(t);
  const server = await startServer(t, { variables: { SMTP_URL: smtp.url } });
  await requestLink(server, 'kept@example.org');
  const [first] = await until(() => inbox(smtp, 'kept@example.org').length === 1 && inbox(smtp, 'kept@example.org'));
  const token = tokenIn(plain(first?.text ?? '')) ?? '';
  const { secret } = await useLink(server, token);
  smtp.state.mood = 'hangs';
  const tries = smtp.state.tries;
  await requestLink(server, 'late@example.org');
  await until(() => smtp.state.tries > tries);
  await server.end('SIGKILL');
  smtp.state.mood = 'takes';
  await server.start();
  const [late] = await until(() => inbox(smtp, 'late@example.org').length === 1 && inbox(smtp, 'late@example.org'));
  assert.deepEqual((await useLink(server, tokenIn(plain(late?.text ?? '')) ?? '')).errors, []);
  assert.deepEqual((await useLink(server, token)).errors.map(({ code }) => code), ['NOT_FOUND'], 'what was used stays used');
  assert.equal((await server.rest('/api/v1/styles', { key: secret })).status, 200);
});

test('a mail server that does not answer is told at the level warn, without whom it is for', async (t) => {
  const port = await freePort();
  const server = await startServer(t, { variables: { SMTP_URL: `smtp://127.0.0.1:${port}` } });
  await requestLink(server, 'nora@example.org');
  const said = await until(() => server.output().split('\n').find((line) => line.includes('a letter could not be sent')) ?? null);
  const { level, source, code, cause } = JSON.parse(said) as Record<string, unknown>;
  assert.deepEqual({ level, source, code, cause }, { level: 'warn', source: 'enterprise.sign-in', code: 'ESOCKET', cause: `connect ECONNREFUSED 127.0.0.1:${port}` });
  assert.ok(!server.output().includes('nora@'));
});

test('in production without a mail server nobody signs in, nothing is kept to be read, and all else works', async (t) => {
  const platform = await startTestPlatform(t, { variables: { NODE_ENV: 'production', SIGNING_SECRET: 's'.repeat(32) } });
  assert.deepEqual((await requestLink(platform, 'ann@example.org')).errors.map(({ code }) => code), ['UNAVAILABLE']);
  assert.equal((await platform.rest('/outbox')).status, 404);
  const partner = await platform.tenant({ kind: 'partner' });
  assert.equal((await platform.rest('/api/v1/admin/enterprise', { key: partner.key, json: { businessName: 'Salon', businessType: 'salon', ownerEmail: 'o@example.org' } })).status, 201);
  assert.deepEqual(await platform.platform.connection.execute(`select 1 from jobs.job where name = 'enterprise.mail'`), []);
});
