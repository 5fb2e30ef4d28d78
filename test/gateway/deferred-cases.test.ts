import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type DirectiveNode, type ExecutionResult, Kind, parse, print, type SelectionSetNode, visit } from 'graphql';
import type { Part } from '../../gateway/delivery.ts';
import { isStream } from '../../gateway/transport.ts';
import type { Case } from './cases.test.ts';
import { callerWith, federate, requestOf, sent } from './federation.ts';

const defer: DirectiveNode = { kind: Kind.DIRECTIVE, name: { kind: Kind.NAME, value: 'defer' } };

/** The operation with @defer on a part of what it selects; `choose` says where. */
function withDefer(source: string, choose: () => boolean): string {
  const chosen = (set: SelectionSetNode): SelectionSetNode => {
    const [later, now] = [[], []] as [SelectionSetNode['selections'][number][], SelectionSetNode['selections'][number][]];
    for (const node of set.selections) (choose() ? later : now).push(node);
    if (later.length === 0) return set;
    return { ...set, selections: [...now, { kind: Kind.INLINE_FRAGMENT, directives: [defer], selectionSet: { kind: Kind.SELECTION_SET, selections: later } }] };
  };
  return print(visit(parse(source), {
    SelectionSet: { leave: chosen },
    InlineFragment: { leave: (node) => (node.directives?.length === 0 && choose() ? { ...node, directives: [defer] } : undefined) },
    FragmentSpread: { leave: (node) => (node.directives?.length === 0 && choose() ? { ...node, directives: [defer] } : undefined) },
  }));
}

/** Every third, every second, nearly all: the same in every run. */
function chooser(seed: number): () => boolean {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state % 4 < 1 + seed % 3;
  };
}

type Mergeable = Record<string | number, unknown>;

function merged(parts: readonly Part[]): { data: unknown; errors: readonly unknown[]; failed: boolean } {
  const [first, ...rest] = parts;
  const whole = { data: first?.data as unknown };
  const errors: unknown[] = [...first?.errors ?? []];
  let failed = false;
  for (const item of rest.flatMap(({ incremental }) => incremental ?? [])) {
    errors.push(...item.errors ?? []);
    failed ||= item.data === null;
    let at: unknown = whole.data;
    for (const key of item.path) at = (at as Mergeable)[key];
    assert.ok(typeof at === 'object' && at !== null, `a part at ${item.path.join('.')}, where nothing was sent`);
    mergeInto(at as Mergeable, item.data ?? {});
  }
  return { ...whole, errors, failed };
}

function mergeInto(target: Mergeable, source: object): void {
  for (const [key, value] of Object.entries(source)) {
    const present = target[key];
    if (typeof present === 'object' && present !== null && typeof value === 'object' && value !== null) mergeInto(present as Mergeable, value as object);
    else target[key] = value;
  }
}

const variants = 6;
let delivered = 0;

for (const file of globSync('cases/*/case.ts', { cwd: import.meta.dirname }).sort()) {
  const { default: { subgraphs, operations } } = await import(join(import.meta.dirname, file)) as { default: Case };
  const { graph } = await federate(subgraphs);
  after(() => graph.stop());
  test(`${file.split('/')[1]}: the parts of an operation make up its whole answer, whatever is deferred`, async () => {
    for (const { source, variables, scopes } of operations) {
      const request = () => requestOf(scopes ? callerWith(...scopes) : null);
      const whole = sent(await graph.execute({ source, variables, request: request() })) as ExecutionResult;
      if (whole.data === undefined) continue;
      for (let seed = 1; seed <= variants; seed++) {
        const deferring = withDefer(source, chooser(seed));
        const answer = await graph.deliver({ source: deferring, variables, request: request() });
        if (!isStream(answer)) {
          assert.deepEqual(sent(answer), whole, deferring);
          continue;
        }
        delivered += 1;
        const parts: Part[] = [];
        for await (const part of answer) parts.push(sent(part) as Part);
        assert.deepEqual(parts.map(({ hasNext }) => hasNext), parts.map((_, index) => index < parts.length - 1), deferring);
        const { data, errors, failed } = merged(parts);
        // A null that cannot stand takes less with it in a part than in the whole.
        if (!failed && (whole.data === null) === (data === null)) assert.deepEqual(data, whole.data, deferring);
        const said = new Set(errors.map((error) => JSON.stringify(error)));
        for (const error of whole.errors ?? []) assert.ok(said.has(JSON.stringify(error)) || whole.data === null, `${JSON.stringify(error)} is missing in ${JSON.stringify(parts)} of ${deferring}`);
      }
    }
  });
}

test('many of them came in parts', () => {
  assert.ok(delivered > 100, `${delivered}`);
});
