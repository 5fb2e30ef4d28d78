import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'graphql';
import { Failure, type FailureCode, failureCodes } from '../../schema/failures.ts';
import { buildSubgraph, parseHttpUrl, payload, userErrors } from '../../subgraphs/schema.ts';
import type { RequestContext } from '../../subgraphs/subgraph.ts';

/** The subgraph of skin shades with other resolvers: one field that takes a scalar and gives an object. */
function build(suits: (context: RequestContext) => unknown) {
  return buildSubgraph('skinshade', { HairColor: { suits: (_: unknown, _args: unknown, context: RequestContext) => suits(context) } }, (request) => ({ ...request }));
}
const query = parse('query ($shade: HexColor!) { _entities(representations: [{ __typename: "HairColor", id: "a", hex: "#000000" }, { __typename: "HairColor", id: "b", hex: "#000000" }]) { ... on HairColor { suits(skinShade: $shade) { score } } } }');
const request = (): RequestContext => ({ caller: null, requestId: 'test' });
const ask = (subgraph: ReturnType<typeof build>, shade = '#ABCDEF', of = request()) => subgraph.execute({ document: query, variables: { shade }, request: of });

test('fetches of one request share their context, requests do not', async () => {
  const seen: RequestContext[] = [];
  const subgraph = build((context) => ({ score: seen.push(context) }));
  const one = request();
  await ask(subgraph, '#000000', one);
  await ask(subgraph, '#000000', one);
  await ask(subgraph);
  assert.equal(new Set(seen.slice(0, 4)).size, 1);
  assert.equal(new Set(seen).size, 2);
});

test('a refusal carries its code and detail, a fault nothing but itself', async () => {
  const refused = await ask(build(() => { throw new Failure('NOT_FOUND', 'no such thing', { path: ['id'] }); }));
  assert.deepEqual([refused.errors?.[0]?.message, refused.errors?.[0]?.extensions, refused.errors?.[0]?.path], ['no such thing', { code: 'NOT_FOUND', path: ['id'] }, ['_entities', 0, 'suits']]);
  const broken = new Error('the inside');
  const faulty = await ask(build(() => { throw broken; }));
  assert.equal(faulty.errors?.[0]?.originalError, broken);
  assert.deepEqual({ ...faulty.errors?.[0]?.extensions }, {});
});

test('a scalar that breaks its form is a VALIDATION refusal', async () => {
  const subgraph = build(() => ({ score: 1 }));
  assert.equal((await ask(subgraph, '#ABCDEF')).errors, undefined);
  for (const shade of ['red', '#fff', '#gggggg', 'ABCDEF', '']) {
    const { errors } = await ask(subgraph, shade);
    assert.equal(errors?.[0]?.extensions['code'], 'VALIDATION', shade);
  }
});

test('an address is absolute, http or https, and at most 2048 characters', () => {
  assert.equal(parseHttpUrl('HTTPS://Example.com'), 'https://example.com/');
  for (const text of ['', 'example.com', '/a', 'ftp://example.com', 'javascript:alert(1)', 'http://', `https://example.com/${'x'.repeat(2048)}`]) assert.equal(parseHttpUrl(text), null, text);
});

test('every refusal has its type in a payload, faults pass', async () => {
  const types = Object.fromEntries(failureCodes.map((code) => [code, Object.values(userErrors(new Failure(code, 'x'))[0])[0]] as const)) as Record<FailureCode, string>;
  assert.deepEqual([types.NOT_FOUND, types.CONFLICT, types.INSUFFICIENT_CREDITS, types.IMAGE_REJECTED, types.VALIDATION], ['NotFoundError', 'ConflictError', 'InsufficientCreditsError', 'ImageRejectedError', 'ValidationError']);
  assert.deepEqual(await payload(async () => ({ thing: 1 })), { thing: 1, errors: [] });
  const refused = await payload(async (): Promise<{ thing: number }> => { throw new Failure('INSUFFICIENT_CREDITS', 'too little', { required: 4, available: 1 }); });
  assert.deepEqual(refused, { errors: [{ __typename: 'InsufficientCreditsError', code: 'INSUFFICIENT_CREDITS', message: 'too little', path: null, required: 4, available: 1 }] });
  await assert.rejects(payload(async () => { throw new Error('a fault'); }), /a fault/);
});
