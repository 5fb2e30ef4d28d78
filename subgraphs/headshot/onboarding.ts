import { Failure } from '../../schema/failures.ts';
import type { Platform } from '../platform.ts';
import type { Invites } from './invite.ts';
import type { Guest, Links } from './link.ts';
import type { Models } from './model.ts';
import type { OnboardingModel } from './models.ts';
import type { Journal } from './progress.ts';
import { checkPersonName, isRevocable } from './rules.ts';
import type { InviteRow, Store } from './store.ts';

type Parts = { platform: Platform; store: Store; journal: Journal; links: Links; models: Models; invites: Invites };
export type Guests = ReturnType<typeof createGuests>;

/** What a person does who came by a link. All refuse with NOT_FOUND a link that is of no use, or no longer. */
export function createGuests(parts: Parts) {
  return {
    /** Names the person, and begins a model the first time. Refuses with VALIDATION. */
    async accept(token: string, name: string): Promise<OnboardingModel> {
      const guest = readGuest(parts, token);
      const checked = checkPersonName(name);
      return guest.inviteId !== null ? acceptInvite(parts, guest, checked) : nameModel(parts, guest, checked);
    },
  };
}

function readGuest({ links }: Parts, token: string): Guest {
  return links.read(token) ?? noLink();
}

function noLink(): never {
  throw new Failure('NOT_FOUND', 'This link is no longer valid', { path: ['token'] });
}

type Invited = Exclude<Guest, { inviteId: null }>;
type Unannounced = Exclude<Guest, { modelId: null }>;

async function acceptInvite(parts: Parts, { accountId, inviteId }: Invited, name: string): Promise<OnboardingModel> {
  const { platform: { connection }, store } = parts;
  const accepted = await connection.transaction(async () => {
    const invite = await store.lockInvite(accountId, inviteId);
    if (!invite || !isOpen(invite)) return null;
    if (invite.memberId) await store.changeMember(accountId, invite.memberId, { name, ...invite.status === 'PENDING' && { status: 'ACCEPTED', joinedAt: new Date() } });
    return invite.modelId ? { invite, model: await store.renameModel(accountId, invite.modelId, name) } : begin(parts, invite, name);
  });
  if (accepted) return accepted;
  await parts.invites.expire(accountId, inviteId);
  return noLink();
}

const isOpen = ({ status, expiresAt }: InviteRow): boolean => isRevocable(status) && expiresAt.getTime() > Date.now();

async function begin({ store, journal, models }: Parts, row: InviteRow, name: string): Promise<OnboardingModel> {
  const model = await models.beginInvited(row, name);
  const invite = await store.changeInvite(row.accountId, row.id, { status: 'ACCEPTED', modelId: model.id });
  await journal.tellInvite(invite);
  return { invite, model };
}

async function nameModel({ platform: { connection }, store }: Parts, { accountId, modelId }: Unannounced, name: string): Promise<OnboardingModel> {
  return connection.transaction(async () => {
    const model = await store.lockModel(accountId, modelId);
    if (model?.status !== 'ONBOARDING' || model.expiresAt.getTime() <= Date.now()) return noLink();
    return { invite: null, model: await store.renameModel(accountId, modelId, name) };
  });
}
