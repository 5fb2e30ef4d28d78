import type { AccountId, ModelId } from '../ids.ts';
import type { Platform } from '../platform.ts';
import type { Journal } from './progress.ts';
import type { Failing, InviteStatus } from './rules.ts';
import type { ModelRow, Store } from './store.ts';

export type Parts = { platform: Platform; store: Store; journal: Journal };

/** How a model ends. Whoever changes an invitation and its model takes the invitation first, as the invited person does. */

/** All headshots are there. Nothing happens when it has ended already. */
export async function finishModel({ platform: { connection }, store, journal }: Parts, accountId: AccountId, id: ModelId): Promise<void> {
  await connection.transaction(async () => {
    const open = await holdOpen(store, accountId, id);
    if (!open) return;
    const now = new Date();
    await journal.record(accountId, id, 'COMPLETED', { status: 'ACTIVE', stage: 'done', percent: 100, etaSeconds: null, failure: null, finishedAt: now, endedAt: now });
    await changeInvite({ store, journal }, open, 'COMPLETED');
    if (open.memberId) await store.changeMember(accountId, open.memberId, { status: 'FINISHED' });
  });
}

/** For good: the credit is back and what was made is withdrawn. Nothing happens when it has ended already. */
export async function failModel(parts: Parts, accountId: AccountId, id: ModelId, failure: Omit<Failing, 'refunded'>): Promise<void> {
  const { platform: { connection }, store, journal } = parts;
  await connection.transaction(async () => {
    const open = await holdOpen(store, accountId, id);
    if (!open) return;
    const [now, refunded] = [new Date(), await giveBack(parts, open)];
    await store.markPhotosDeleted(accountId, id);
    await journal.record(accountId, id, 'FAILED', { status: 'FAILED', etaSeconds: null, failure: { ...failure, refunded }, finishedAt: now, endedAt: now });
    await changeInvite({ store, journal }, open, 'DELETED');
    purgeLater(parts, accountId, id);
  });
}

async function holdOpen(store: Store, accountId: AccountId, id: ModelId): Promise<ModelRow | null> {
  await store.lockInviteOfModel(accountId, id);
  const row = await store.lockModel(accountId, id);
  return row?.endedAt === null ? row : null;
}

/** In the running transaction, which holds the model that is open still: whether something was held or spent for it. */
export async function giveBack({ platform: { credits } }: Pick<Parts, 'platform'>, { accountId, chargeId, status }: ModelRow): Promise<boolean> {
  if (chargeId === null) return false;
  if (await credits.release(chargeId)) return true;
  // With its selfies complete the credit was spent; what is spent is never taken out of the books.
  if (status === 'ONBOARDING') return false;
  await credits.grant(accountId, 1, 'Returned: headshots that were not made');
  return true;
}

/** In the running transaction: tells what became of the invitation that led to the model, if that is in use. */
export async function changeInvite({ store, journal }: Pick<Parts, 'store' | 'journal'>, { accountId, id }: ModelRow, status: InviteStatus): Promise<void> {
  const invite = await store.lockInviteOfModel(accountId, id);
  if (!invite || invite.status === 'REVOKED' || invite.status === 'EXPIRED' || invite.status === 'DELETED') return;
  await journal.tellInvite(await store.changeInvite(accountId, invite.id, { status }));
}

/** Deletes the files of a model's deleted photos, and of its selfies when it is of no use any more, and then what names them. Safe to be interrupted anywhere and done again. */
export async function purgeModel({ platform: { blobs }, store }: Pick<Parts, 'platform' | 'store'>, accountId: AccountId, id: ModelId): Promise<void> {
  const model = await store.findModel(accountId, id);
  const isOver = model?.status === 'DELETED' || (model?.status === 'FAILED' && model.endedAt !== null);
  const selfies = isOver ? await store.listSelfies(accountId, id) : [];
  for (const key of [...selfies.map(({ blobKey }) => blobKey), ...await store.listDeletedFiles(accountId, id)]) await blobs.delete(key);
  if (selfies.length > 0) await store.deleteSelfies(accountId, id);
  await store.forgetFiles(accountId, id);
}

/** After the commit of the running transaction. What a crash leaves behind is found by the upkeep. */
function purgeLater(parts: Parts, accountId: AccountId, id: ModelId): void {
  parts.platform.connection.afterCommit(() => {
    purgeModel(parts, accountId, id).catch((error: unknown) => parts.platform.log.warn({ err: error, model: id }, 'files of a model were not deleted'));
  });
}
