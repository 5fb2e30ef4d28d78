import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, describe, test } from 'node:test';
import { WebSocket } from 'ws';
import { newAccountId, newKeyId } from '../../../subgraphs/ids.ts';
import { createIdentities, identityHeader } from '../../../subgraphs/identity.ts';
import type { Caller } from '../../../subgraphs/subgraph.ts';
import { identities, serveAlone } from '../../support/alone.ts';

const caller: Caller = { accountId: newAccountId(), accountKind: 'organization', keyId: newKeyId(), scopes: new Set(['teams:read', 'teams:write']) };
const request = { caller, requestId: 'request-7' };
const query = 'query ($of: [_Any!]!) { _entities(representations: $of) { ... on Organization { teams { name } } } }';
const operation = { query, variables: { of: [{ __typename: 'Organization', id: caller.accountId }] } };

test('what is signed is read: account, kind, key, scopes and request, or nobody', () => {
  assert.deepEqual(identities.read(identities.sign(request, 'headshot'), 'headshot'), request);
  const nobody = { caller: null, requestId: 'request-8' };
  assert.deepEqual(identities.read(identities.sign(nobody, 'headshot'), 'headshot'), nobody);
});

test('it is believed for a minute', () => {
  const at = Date.now();
  const signed = identities.sign(request, 'headshot', at);
  assert.deepEqual(identities.read(signed, 'headshot', at + 59_000), request);
  assert.equal(identities.read(signed, 'headshot', at + 61_000), 'expired');
});

/** Every way to come without what the gateway has signed. */
const [payload = '', signature = ''] = identities.sign(request, 'headshot').split('.');
const forgedPayload = Buffer.from(Buffer.from(payload, 'base64url').toString().replace(caller.accountId, newAccountId())).toString('base64url');
const wrong: Record<string, string | null> = {
  'no header': null,
  'an empty header': '',
  'no signature': payload,
  'an empty signature': `${payload}.`,
  'another account under the same signature': `${forgedPayload}.${signature}`,
  'another signature': `${payload}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`,
  'a cut signature': `${payload}.${signature.slice(0, -2)}`,
  'another secret': createIdentities('another secret, which is as long').sign(request, 'headshot'),
  'an identity that has expired': identities.sign(request, 'headshot', Date.now() - 61_000),
  'an identity for another subgraph': identities.sign(request, 'hairstyle'),
  'something behind the signature': `${payload}.${signature}.x`,
  'a header that is too long': `${'x'.repeat(5_000)}.${signature}`,
};

describe('a subgraph that is served alone answers the gateway', async () => {
  const alone = await serveAlone({ after }, 'headshot', { variables: { WORKERS: '0' } });
  const { key } = await alone.account('organization');

  test('and believes who it says is asking', async () => {
    assert.deepEqual(await alone.post({ [identityHeader]: identities.sign(request, 'headshot') }, operation), {
      status: 200, type: 'application/json; charset=utf-8', body: { data: { _entities: [{ teams: [] }] } },
    });
  });

  const tried: [string, Record<string, string>][] = [
    ...Object.entries(wrong).map(([name, value]): [string, Record<string, string>] => [name, value === null ? {} : { [identityHeader]: value }]),
    ["a client's own key", { 'x-api-key': key }],
  ];
  for (const [name, headers] of tried) {
    test(`401 for ${name}, by POST and over a socket`, async () => {
      const { status, type, body } = await alone.post(headers, operation);
      assert.deepEqual([status, type, body.data, body.errors?.map(({ extensions }) => extensions)], [401, 'application/json; charset=utf-8', undefined, [{ code: 'UNAUTHENTICATED' }]]);
      const socket = new WebSocket(alone.url.replace('http', 'ws'), 'graphql-transport-ws', { headers });
      socket.on('error', () => undefined);
      const [, response] = await once(socket, 'unexpected-response') as [unknown, NodeJS.ReadableStream & { statusCode: number }];
      let text = '';
      for await (const chunk of response) text += String(chunk);
      assert.equal(response.statusCode, 401);
      assert.deepEqual(JSON.parse(text), body);
    });
  }

  test('a body is not read before that', async () => {
    const { status } = await alone.post({}, `{"query":"{ __typename }","variables":{"x":"${'x'.repeat(17 * 1024 * 1024)}"}}`).catch(() => ({ status: 401 }));
    assert.equal(status, 401);
  });
});

describe('SUBGRAPH_CALLERS=keys: a subgraph under a foreign gateway, which passes on the keys of its clients', async () => {
  const alone = await serveAlone({ after }, 'headshot', { variables: { WORKERS: '0', SUBGRAPH_CALLERS: 'keys' } });
  const { key, caller: known } = await alone.account('organization');
  const teamsOf = ({ accountId }: Caller) => ({ query, variables: { of: [{ __typename: 'Organization', id: accountId }] } });
  const teams = teamsOf(known);
  const allowed = { data: { _entities: [{ teams: [] }] } };

  test('answers a key, in every header that the gateway takes', async () => {
    for (const headers of [{ 'x-api-key': key }, { 'x-partner-api-key': key }, { authorization: `Bearer ${key}` }]) assert.deepEqual((await alone.post(headers, teams)).body, allowed);
  });

  test('still believes the gateway, and nothing that looks like it', async () => {
    assert.deepEqual((await alone.post(alone.headersOf(known), teams)).body, allowed);
    assert.equal((await alone.post({ [identityHeader]: `${payload}.`, 'x-api-key': key }, teams)).status, 401);
  });

  test('401 for a key that nobody has; without one, what is open to all is answered, and nothing else', async () => {
    const wrongKey = await alone.post({ 'x-api-key': 'ak_wrong' }, teams);
    assert.deepEqual([wrongKey.status, wrongKey.body], [401, { errors: [{ message: 'Invalid API key', extensions: { code: 'UNAUTHENTICATED' } }] }]);
    assert.equal((await alone.post({}, { query: '{ __typename }' })).body.data?.['__typename'], 'Query');
    const closed = await alone.post({}, { query: 'mutation { createTeam(name: "x") { team { id } } }' });
    assert.deepEqual(closed.body.errors?.map(({ message, extensions }) => [message, extensions['code']]), [['Mutation.createTeam needs a credential.', 'UNAUTHENTICATED']]);
  });

  test('takes a key over a socket too, in its headers or in what the connection begins with; 4403 for one that nobody has', async () => {
    const begin = async (headers: Record<string, string>, payload?: Record<string, unknown>) => {
      const socket = new WebSocket(alone.url.replace('http', 'ws'), 'graphql-transport-ws', { headers });
      await once(socket, 'open');
      const said = Promise.race([once(socket, 'message').then(([data]) => JSON.parse(String(data)) as { type: string }), once(socket, 'close').then(([code, reason]) => `${code} ${reason}`)]);
      socket.send(JSON.stringify({ type: 'connection_init', payload }));
      const first = await said;
      if (typeof first === 'string') return first;
      const answered = once(socket, 'message');
      socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload: teams }));
      const [data] = await answered as [Buffer];
      socket.close();
      return (JSON.parse(String(data)) as { payload: unknown }).payload;
    };
    assert.deepEqual(await begin({ 'x-api-key': key }), allowed);
    assert.deepEqual(await begin({}, { 'x-api-key': key }), allowed);
    assert.deepEqual(await begin({}, { authorization: `Bearer ${key}` }), allowed);
    assert.deepEqual(await begin({}), { data: { _entities: [null] } });
    assert.equal(await begin({}, { 'x-api-key': 'ak_wrong' }), '4403 Invalid API key');
  });

  test('keeps the scopes of the schema by itself', async () => {
    const poor = await alone.account('organization', ['teams:write']);
    const { body } = await alone.post({ 'x-api-key': poor.key }, teamsOf(poor.caller));
    assert.deepEqual(body.errors?.map(({ message, extensions }) => [message, extensions['code']]), [['The credential lacks a scope for Organization.teams.', 'FORBIDDEN']]);
  });
});
