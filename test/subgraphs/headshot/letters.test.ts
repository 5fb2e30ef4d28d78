import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inviteWriter, letterIdOf } from '../../../subgraphs/headshot/invite-mail.ts';
import { createLinks } from '../../../subgraphs/headshot/link.ts';
import { parseInviteId } from '../../../subgraphs/ids.ts';
import { createOutbox } from '../../../subgraphs/outbox.ts';
import { until } from '../../support/database.ts';
import { invitedGuest } from './guests.ts';
import { createInvite, type InvitePayload, openStudio, revokeInvite, wholeFile } from './studio.ts';

const studio = await openStudio(wholeFile);
const { account, get, store, platform: { accountNames, connection, env } } = studio;
const links = createLinks(env);
const write = inviteWriter({ accountNames, links, store });
const lettersTo = async (email: string) => (await createOutbox(env.dataDir).list()).filter(({ to }) => to === email);

test('whoever is invited gets one letter, with the link, who invites, and until when', async () => {
  const me = await account();
  await connection.execute('update enterprise.account set name = $2 where id = $1', [me.accountId, 'Acme\r\nBcc: all@example.com']);
  const { invite } = await get<InvitePayload>(me, createInvite, { input: { email: 'jane@example.com', idempotencyKey: 'k' } });
  await get<InvitePayload>(me, createInvite, { input: { email: 'jane@example.com', idempotencyKey: 'k' } });
  const [letter] = await until(async () => { const found = await lettersTo('jane@example.com'); return found.length > 0 ? found : null; });
  assert.equal(letter?.subject, 'Acme Bcc: all@example.com invites you to your headshots');
  assert.ok(letter?.text.includes(`\n\n${invite?.link}\n\n`), letter?.text);
  assert.match(letter?.text ?? '', /It can be used until \d{1,2} [A-Z][a-z]+ 20\d\d\./);
  assert.equal((await lettersTo('jane@example.com')).length, 1);
  const jobs = await connection.execute("select data::text as data from jobs.job where name = 'headshot.mail'");
  assert.ok(jobs.length > 0 && jobs.every(({ data }) => !String(data).includes(invite?.token ?? '')), 'the link is kept nowhere');
});

test('each of many gets their own', async () => {
  const me = await account();
  const emails = Array.from({ length: 12 }, (_, index) => `p${index}@many.example`);
  await get(me, 'mutation ($input: CreateInvitesInput!) { createInvites(input: $input) { errors { code } } }', { input: { emails: [...emails, emails[0]] } });
  const letters = await until(async () => { const found = await Promise.all(emails.map(lettersTo)); return found.every(({ length }) => length > 0) ? found : null; });
  assert.deepEqual(letters.map(({ length }) => length), emails.map(() => 1));
  assert.equal(new Set(letters.map(([letter]) => /\?invite=(\S+)/.exec(letter?.text ?? '')?.[1])).size, 12);
});

test('nobody is written to who has answered, or need not any more', async () => {
  const me = await account();
  const letter = async (id: string) => write(letterIdOf(me.accountId, parseInviteId(id) ?? assert.fail()));
  const [answered, revoked, late] = [await invitedGuest(studio, me, 'a@example.com'), await invitedGuest(studio, me, 'b@example.com'), await invitedGuest(studio, me, 'c@example.com')];
  for (const { inviteId } of [answered, revoked, late]) assert.ok(await letter(inviteId));
  await answered.accept();
  await get(me, revokeInvite, { email: 'b@example.com' });
  await connection.execute("update headshot.invite set expires_at = now() - interval '1 second' where id = $1", [late.inviteId]);
  for (const { inviteId } of [answered, revoked, late]) assert.equal(await letter(inviteId), null);
  assert.equal(await write(letterIdOf((await account()).accountId, parseInviteId(late.inviteId) ?? assert.fail())), null, 'another account has no such invitation');
});
