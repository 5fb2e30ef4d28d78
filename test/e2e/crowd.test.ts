import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { smallPortrait } from '../support/photos.ts';
import { startTestPlatform } from '../support/platform.ts';

const platform = await startTestPlatform({ after });
const styles = ['817941', '462817', '739205', '158634'];
const count = 20;

type Books = { viewer: { account: { credits: { available: number; reserved: number; ledger: { edges: { node: { kind: string; amount: number; jobId: string | null } }[] } } } } };

test('20 generations of 4 styles at once: all complete, none is lost, none is charged twice', async () => {
  const { accountId, key } = await platform.tenant({ amount: 100 });
  await platform.upload(key, await smallPortrait(300));
  const ids = await Promise.all(Array.from({ length: count }, () => platform.generate(key, { mode: 'live', styles, image_name: 'me.jpg' })));
  assert.equal(new Set(ids).size, count);
  assert.deepEqual(await platform.platform.credits.balance(accountId), { available: 100 - count * styles.length, reserved: count * styles.length });

  const answers = await Promise.all(ids.map((id) => platform.ended(key, id)));
  assert.deepEqual(answers.map(({ body }) => [body.data.status, body.data.images.length]), ids.map(() => ['completed', styles.length]));
  assert.equal(new Set(answers.flatMap(({ body }) => body.data.images)).size, count * styles.length);
  for (const id of ids) {
    const seqs: number[] = [];
    for await (const { data } of await platform.events(key, id, 0)) seqs.push(data.seq);
    assert.deepEqual(seqs, seqs.map((_, index) => index + 1), id);
  }

  const { viewer } = await platform.gql<Books>(key, '{ viewer { account { credits { available reserved ledger(first: 100) { edges { node { kind amount jobId } } } } } } }');
  const { available, reserved, ledger } = viewer.account.credits;
  assert.deepEqual({ available, reserved }, { available: 100 - count * styles.length, reserved: 0 });
  const lines = ledger.edges.map(({ node }) => node);
  for (const kind of ['RESERVE', 'CONSUME']) {
    const charged = lines.filter((line) => line.kind === kind);
    assert.deepEqual(charged.map(({ jobId }) => jobId).toSorted(), ids.map((id) => id.replace('job_', 'gen_')).toSorted(), kind);
    assert.deepEqual([...new Set(charged.map(({ amount }) => amount))], [styles.length]);
  }
  assert.deepEqual(lines.filter(({ kind }) => kind === 'RELEASE'), []);
});
