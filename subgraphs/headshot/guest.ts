import { Failure } from '../../schema/failures.ts';
import type { Invites } from './invite.ts';
import type { Guest, Links } from './link.ts';
import type { Models } from './model.ts';
import { isRevocable, type ModelStatus } from './rules.ts';
import type { InviteRow, ModelRow, Store } from './store.ts';

/** What a link leads to. `model`: null before the person accepts. `invite`: null for somebody whose headshots were started without one. */
export type FoundGuest = { guest: Guest; invite: InviteRow | null; model: ModelRow | null };
/** Somebody who may send selfies. */
export type OpenGuest = FoundGuest & { model: ModelRow };
export type OpenGuests = ReturnType<typeof createOpenGuests>;

type Parts = { links: Links; store: Store; invites: Pick<Invites, 'expire'>; models: Pick<Models, 'expire'> };

/** The people behind links. */
export function createOpenGuests({ links, store, invites, models }: Parts) {
  /** `isHeld`: in the running transaction, which then holds the rows; the invitation is locked before its model. */
  const find = async (token: string, isHeld: boolean): Promise<FoundGuest | null> => {
    const guest = links.read(token);
    if (!guest) return null;
    const { accountId } = guest;
    const invite = guest.inviteId && (await (isHeld ? store.lockInvite : store.findInvite)(accountId, guest.inviteId));
    const modelId = guest.modelId ?? invite?.modelId ?? null;
    const model = modelId && (await (isHeld ? store.lockModel : store.findModel)(accountId, modelId));
    return invite || model ? { guest, invite, model } : null;
  };
  const demand = (found: FoundGuest | null): OpenGuest => {
    if (found && isComplete(found)) throw new Failure('VALIDATION', 'Your photos are complete');
    if (!found || !isOpen(found)) return noLink();
    if (!found.model || found.model.title === null) throw new Failure('VALIDATION', 'Say your name first');
    return { ...found, model: found.model };
  };
  return {
    find,
    /** Somebody who may look at what the link leads to; null for everybody else. What is past its time ends here. */
    async see(token: string): Promise<FoundGuest | null> {
      const found = await find(token, false);
      if (!found || isComplete(found) || isOpen(found)) return found;
      if (found.invite) await invites.expire(found.guest.accountId, found.invite.id);
      else if (found.model) await models.expire(found.guest.accountId, found.model.id);
      return null;
    },
    /** Refuses with NOT_FOUND a link that is of no use, with VALIDATION who gave no name, or has sent everything. */
    get: async (token: string): Promise<OpenGuest> => demand(await find(token, false)),
    /** The same in the running transaction, to whose end nothing else happens to the person. */
    hold: async (token: string): Promise<OpenGuest> => demand(await find(token, true)),
  };
}

export function noLink(): never {
  throw new Failure('NOT_FOUND', 'This link is no longer valid', { path: ['token'] });
}

/** The person may accept, and send selfies. */
export function isOpen({ invite, model }: Omit<FoundGuest, 'guest'>): boolean {
  const row = invite ?? model;
  return row !== null && row.expiresAt.getTime() > Date.now() && (invite === null || isRevocable(invite.status)) && (model === null || model.status === 'ONBOARDING');
}

const complete: ReadonlySet<ModelStatus> = new Set(['WAITING', 'PENDING', 'GENERATING_HEADSHOTS', 'ACTIVE', 'FAILED']);

/** The person has sent everything, whatever became of it, and nobody has deleted it. */
export const isComplete = ({ model }: Pick<FoundGuest, 'model'>): boolean => model !== null && complete.has(model.status);
