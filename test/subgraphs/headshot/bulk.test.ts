import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'graphql';
import { emailsOf } from '../../../subgraphs/headshot/rules.ts';
import type { UploadId } from '../../../subgraphs/ids.ts';
import type { Caller } from '../../../subgraphs/subgraph.ts';
import { openStudio, type Refused, wholeFile } from './studio.ts';

const studio = await openStudio(wholeFile, { work: false });
const { account, balance, get } = studio;

type Result = { email: string; invite: { status: string; team: { name: string } | null } | null; errors: Refused[] };
type Payload = { results: Result[] | null; errors: Refused[] };
const createInvites = `mutation ($input: CreateInvitesInput!) { createInvites(input: $input) {
  results { email invite { status team { name } } errors { type: __typename code path } } errors { code path message } } }`;
const send = async (me: Caller, input: object): Promise<Payload> => get<Payload>(me, createInvites, { input });
const codes = ({ results }: Payload): string[] => (results ?? []).map(({ errors, invite }) => errors[0]?.code ?? invite?.status ?? 'NOTHING');
const people = (count: number, from = 0): string[] => Array.from({ length: count }, (_, index) => `p${from + index}@example.com`);
const total = async (me: Caller) => (await studio.own<{ invites: { totalCount: number } }>(me, 'invites { totalCount }'))?.invites.totalCount;

async function upload(me: Caller, csv: string): Promise<string> {
  const { upload: made } = await get<{ upload: { uploadId: string; uploadUrl: string } }>(me, 'mutation { createInviteListUpload(byteLength: 100) { upload { uploadId uploadUrl } errors { code } } }');
  assert.match(made.uploadUrl, /^https:\/\/look\.example\/uploads\//);
  await studio.platform.blobs.putStaged(me.accountId, made.uploadId as UploadId, (async function* () { yield Buffer.from(csv); })(), 1000);
  return made.uploadId;
}

test('a list of no bytes, or of too many, is told what is wrong with it', async () => {
  const me = await account();
  for (const [size, message] of [[0, 'An upload has at least one byte'], [5 * 1024 * 1024 + 1, 'Send at most 5 MB']] as const) {
    const { errors } = await get<{ errors: Refused[] }>(me, 'mutation ($size: Int!) { createInviteListUpload(byteLength: $size) { errors { code message path } } }', { size });
    assert.deepEqual(errors, [{ code: 'VALIDATION', message, path: ['byteLength'] }]);
  }
});

test('five hundred addresses get an invitation each, in their order', async () => {
  const me = await account(600);
  const payload = await send(me, { emails: people(500) });
  assert.deepEqual(payload.results?.map(({ email }) => email), people(500));
  assert.deepEqual([new Set(codes(payload)), await balance(me), await total(me)], [new Set(['PENDING']), { available: 100, reserved: 500 }, 500]);
  assert.equal((await send(me, { emails: people(501) })).errors[0]?.code, 'VALIDATION');
});

test('each address has its own answer, and credits go to the first ones', async () => {
  const me = await account(3);
  await send(me, { emails: ['known@example.com'] });
  const payload = await send(me, { emails: ['a@example.com', 'no address', 'KNOWN@example.com', 'A@example.com', 'b@example.com', 'c@example.com'] });
  assert.deepEqual(payload.results?.map(({ email, errors }) => [email, errors[0]?.code ?? 'OK']), [
    ['a@example.com', 'OK'], ['no address', 'VALIDATION'], ['KNOWN@example.com', 'CONFLICT'], ['b@example.com', 'OK'], ['c@example.com', 'INSUFFICIENT_CREDITS'],
  ]);
  assert.deepEqual([await balance(me), await total(me)], [{ available: 0, reserved: 3 }, 3]);
});

test('nothing is half done: without its team, or stopped before the end, no invitation is left and no credit held', async () => {
  const me = await account(5);
  const refused = await send(me, { emails: people(3), teamId: 'team_01ARZ3NDEKTSV4RRFFQ69G5FAV' });
  assert.deepEqual([refused.results, refused.errors[0]?.code], [null, 'NOT_FOUND']);
  const { data } = await studio.headshot.execute({
    document: parse(createInvites), variables: { input: { emails: people(3) } }, request: { caller: me, requestId: 'test' }, signal: AbortSignal.abort(new Error('gone')),
  });
  assert.equal(data, null);
  assert.deepEqual([await balance(me), await total(me), await studio.store.countMembers(me.accountId, {})], [{ available: 5, reserved: 0 }, 0, 0]);
});

test('at most a thousand may be pending', async () => {
  const me = await account(1100);
  for (const from of [0, 499]) await send(me, { emails: people(499, from) });
  const payload = await send(me, { emails: people(4, 2000) });
  assert.deepEqual(codes(payload), ['PENDING', 'PENDING', 'LIMIT_REACHED', 'LIMIT_REACHED']);
  assert.deepEqual(await balance(me), { available: 100, reserved: 1000 });
});

test('a list is sent as CSV, together with a team', async () => {
  const me = await account();
  const { team } = await get<{ team: { id: string } }>(me, 'mutation { createTeam(name: "Sales") { team { id } errors { code } } }');
  const uploadId = await upload(me, '\uFEFFName;E-Mail\r\n"Doe; Jane";jane@example.com\r\nJohn;"john@example.com"\r\n\r\n');
  const payload = await send(me, { uploadId, emails: ['more@example.com'], teamId: team.id });
  assert.deepEqual(payload.results?.map(({ email, invite }) => [email, invite?.team?.name]), [['more@example.com', 'Sales'], ['jane@example.com', 'Sales'], ['john@example.com', 'Sales']]);
  assert.equal((await send(me, { uploadId })).errors[0]?.code, 'NOT_FOUND', 'it is used once');
  const empty = await upload(me, 'email\n');
  assert.equal((await send(me, { uploadId: empty })).errors[0]?.code, 'VALIDATION');
  assert.equal((await send(me, { uploadId: empty, emails: ['x@example.com'] })).results?.length, 1, 'after a refusal it can be used again');
  assert.equal((await send(await account(), { uploadId: await upload(me, 'a@b.ch') })).errors[0]?.code, 'NOT_FOUND');
});

test('lists are read however they are written', () => {
  const lists: [string, string[]][] = [
    ['a@b.ch\nc@d.ch', ['a@b.ch', 'c@d.ch']], ['email\na@b.ch\n', ['a@b.ch']], ['name,Email Address,team\nA,a@b.ch,x\r\nB, c@d.ch ,y', ['a@b.ch', 'c@d.ch']],
    ['"a@b.ch"\n"quoted ""name"" x"', ['a@b.ch', 'quoted "name" x']], ['name\temail\nA\ta@b.ch', ['a@b.ch']], ['', []], ['\n\n', []], ['name,email\n"Doe,\nJane",a@b.ch\nB,', ['a@b.ch']],
  ];
  for (const [csv, emails] of lists) assert.deepEqual(emailsOf(csv), emails, JSON.stringify(csv));
});
