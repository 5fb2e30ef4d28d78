import assert from 'node:assert/strict';
import type { InviteStatus } from '../../schema/types/headshot.ts';
import { Failure } from '../../schema/failures.ts';
import { mapEvents } from '../events.ts';
import type { Platform } from '../platform.ts';
import { type FoundGuest, isComplete, isOpen, noLink, type OpenGuests } from './guest.ts';
import type { Models } from './model.ts';
import type { OnboardingEventModel, OnboardingModel } from './models.ts';
import type { PhotoRow } from './photo-store.ts';
import type { Journal } from './progress.ts';
import { checkPersonName } from './rules.ts';
import { leastSelfies, mostSelfies } from './selfie-rules.ts';
import type { InviteRow, ModelRow, Store } from './store.ts';

type Parts = { platform: Platform; store: Store; journal: Journal; models: Models; open: OpenGuests };
/** More than are ever made for one person. */
const mostPhotos = 100;
export type Guests = ReturnType<typeof createGuests>;

/** What a person does who came by a link. All refuse with NOT_FOUND a link that is of no use, or no longer. */
export function createGuests(parts: Parts) {
  const { open, store } = parts;
  return {
    /** What is behind the link; null: nothing any more. */
    async see(token: string): Promise<OnboardingModel | null> {
      const found = await open.see(token);
      return found && viewOf(store, found);
    },
    /** Events of the person's headshots. Refuses with VALIDATION before acceptance, and a negative number. */
    async follow(token: string, afterSeq: number | null | undefined): Promise<AsyncIterableIterator<OnboardingEventModel>> {
      const { guest: { accountId }, model } = (await open.see(token)) ?? noLink();
      if (!model) throw new Failure('VALIDATION', 'Say your name first');
      return mapEvents(await parts.journal.subscribe(accountId, model.id, afterSeq), (event) => ({ ...event, accountId }));
    },
    /** The best first. */
    photosOf: async ({ accountId, id }: ModelRow): Promise<PhotoRow[]> =>
      (await store.listPhotosOf(accountId, [id], { status: 'ACTIVE' }, { first: mostPhotos, limit: mostPhotos, after: null })).flatMap(({ row }) => row ?? []),
    /** Names the person, and begins a model the first time. Refuses with VALIDATION. */
    async accept(token: string, name: string): Promise<OnboardingModel> {
      const checked = checkPersonName(name);
      if (!(await open.see(token))) noLink();
      return parts.platform.connection.transaction(async () => {
        const found = await open.find(token, true);
        if (!found || !isOpen(found)) return noLink();
        return viewOf(store, await nameGuest(parts, found, checked));
      });
    },
    /** Spends the credit and has the headshots made, the first time. Refuses with VALIDATION without a selfie that can be used. */
    async complete(token: string): Promise<OnboardingModel> {
      return parts.platform.connection.transaction(async () => {
        const found = await open.find(token, true);
        return viewOf(store, found && isComplete(found) ? found : await begin(parts, token));
      });
    },
  };
}

async function nameGuest({ store, journal, models }: Parts, found: FoundGuest, name: string): Promise<FoundGuest> {
  const { guest: { accountId }, invite, model } = found;
  if (invite?.memberId) await store.changeMember(accountId, invite.memberId, { name, ...invite.status === 'PENDING' && { status: 'ACCEPTED', joinedAt: new Date() } });
  if (model) return { ...found, model: await store.renameModel(accountId, model.id, name) };
  assert(invite, 'a guest without invitation and model');
  const begun = await models.beginInvited(invite, name);
  const accepted = await store.changeInvite(accountId, invite.id, { status: 'ACCEPTED', modelId: begun.id });
  await journal.tellInvite(accepted);
  return { ...found, invite: accepted, model: begun };
}

/** In the running transaction: the credit is spent exactly when the headshots are in line. */
async function begin({ platform: { credits }, store, journal, models, open }: Parts, token: string): Promise<FoundGuest> {
  const { guest, invite, model } = await open.hold(token);
  const { usable } = await store.countSelfies(guest.accountId, model.id);
  if (usable < leastSelfies) throw new Failure('VALIDATION', 'Send at least one photo that can be used');
  if (model.chargeId !== null) await credits.consume(model.chargeId);
  const started = await models.start(guest.accountId, model.id);
  assert(started, 'a model that was held has ended');
  if (!invite) return { guest, invite, model: started };
  const changed = await store.changeInvite(guest.accountId, invite.id, { status: 'GENERATING' });
  await journal.tellInvite(changed);
  return { guest, invite: changed, model: started };
}

async function viewOf(store: Store, { invite, model }: Omit<FoundGuest, 'guest'>): Promise<OnboardingModel> {
  return { invite, model, selfies: model ? await store.listSelfies(model.accountId, model.id) : [] };
}

/** The invitation, or the model of whom nobody invited. */
export function subjectOf({ invite, model }: Pick<OnboardingModel, 'invite' | 'model'>): InviteRow | ModelRow {
  const row = invite ?? model;
  assert(row, 'a guest without invitation and model');
  return row;
}

/** How far a person is, in the words of invitations, also without one. */
export function onboardingStatusOf({ model, selfies }: OnboardingModel): InviteStatus {
  if (!model || model.title === null) return 'PENDING';
  if (model.status === 'ONBOARDING') return selfies.length === 0 ? 'ACCEPTED' : 'UPLOADING';
  return model.status === 'ACTIVE' ? 'COMPLETED' : model.status === 'DELETED' ? 'DELETED' : 'GENERATING';
}

export const selfiesNeeded = ({ selfies }: OnboardingModel): number => Math.max(0, leastSelfies - selfies.filter(({ isUsable }) => isUsable).length);
export const selfiesAllowed = ({ selfies }: OnboardingModel): number => Math.max(0, mostSelfies - selfies.length);
