import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { serveAlone } from '../../support/alone.ts';

const alone = await serveAlone({ after }, 'hairstyle');
const repeat = (count: number, make: (index: number) => string, between = ' '): string => Array.from({ length: count }, (_, index) => make(index)).join(between);
const style = (inner: string): string => `{ hairstyle(id: "817941") { ${inner} } }`;

/** What a gateway without limits of its own would pass on. */
const hostile: Record<string, { query: string; code: string; says: RegExp }> = {
  '3,000 times one field, which validation would compare for seconds': { query: style('id '.repeat(3_000)), code: 'OPERATION_TOO_COMPLEX', says: /"comparisons" is 20000/ },
  '2,001 aliases': { query: style(repeat(2_001, (index) => `a${index}: id`)), code: 'OPERATION_TOO_COMPLEX', says: /"aliases" is 2000/ },
  '20,000 nested brackets': { query: `{ hairstyle(id: ${'['.repeat(20_000)}`, code: 'OPERATION_TOO_COMPLEX', says: /"nesting" is 150/ },
  '16 doubling fragments': { query: `{ ...F0 } ${repeat(16, (index) => `fragment F${index} on Query { a${index}: hairColors { id } ...F${index + 1} ...F${index + 1} }`)} fragment F16 on Query { hairColors { id } }`, code: 'OPERATION_TOO_COMPLEX', says: /"aliases" is 2000/ },
  'a chain of 1,200 fragments': { query: `{ ...F0 } ${repeat(1_200, (index) => `fragment F${index} on Query{...F${index + 1}}`)} fragment F1200 on Query { hairColors { id } }`, code: 'OPERATION_TOO_COMPLEX', says: /"fragments" is 1000/ },
  'cyclic fragments': { query: '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }', code: 'GRAPHQL_VALIDATION_FAILED', says: /Cannot spread fragment/ },
  '300 root fields': { query: `{ ${repeat(300, (index) => `...F${index}`)} } ${repeat(300, (index) => `fragment F${index} on Query { a${index}: hairColors { id } }`)}`, code: 'OPERATION_TOO_COMPLEX', says: /"rootFields" is 200/ },
  'a text of 300 KB': { query: `${style('id')} #${'x'.repeat(300_000)}`, code: 'OPERATION_TOO_COMPLEX', says: /"sourceCharacters" is 200000/ },
  'more objects than any answer has': { query: `{ ${repeat(200, (index) => `a${index}: hairstyles(first: 100) { nodes { id } a: edges { node { id } } b: edges { node { id } } c: edges { node { id } } }`)} }`, code: 'OPERATION_TOO_COMPLEX', says: /over 100000 objects/ },
};

describe('a subgraph keeps its own limits, whatever gateway stands before it', () => {
  for (const [name, { query, code, says }] of Object.entries(hostile)) {
    test(name, async () => {
      const attack = alone.ask(null, query);
      const neighbour = await alone.ask(null, style('id'));
      assert.deepEqual(neighbour.body, { data: { hairstyle: { id: '817941' } } });
      const { status, body: { data, errors } } = await attack;
      assert.equal(status, 200);
      assert.ok(data === undefined || data === null, JSON.stringify(data)?.slice(0, 100));
      assert.equal(errors?.[0]?.extensions['code'], code, errors?.[0]?.message);
      assert.match(errors?.[0]?.message ?? '', says);
    });
  }

  test('names that exist are proposed to nobody', async () => {
    for (const [query, variables] of [['{ hairstyl(id: "1") { id } }', {}], [style('idd'), {}], ['query ($s: HairSex) { hairstyles(sex: $s) { totalCount } }', { s: 'FEMININ' }]] as const) {
      const { body: { errors } } = await alone.ask(null, query, variables);
      assert.equal(errors?.length, 1);
      assert.doesNotMatch(JSON.stringify(errors), /Did you mean/);
    }
  });
});
