import assert from 'node:assert/strict';
import { Failure, type FailureCode, type FailureDetail } from '../../schema/failures.ts';
import type { CreateInviteInput, CreateInvitesInput } from '../../schema/types/headshot.ts';
import { type AccountId, type InviteId, newInviteId, newMemberId, parseTeamId, type TeamId } from '../ids.ts';
import type { Platform } from '../platform.ts';
import type { Keyed } from '../requests.ts';
import { withStaged } from '../staged.ts';
import type { Caller } from '../subgraph.ts';
import { inviteMail, letterIdOf } from './invite-mail.ts';
import type { Models } from './model.ts';
import type { Journal } from './progress.ts';
import { checkEmails, checkOrganization, costOf, emailKeyOf, emailsOf, inviteLivesMs, isEmail, isRevocable, mostPending } from './rules.ts';
import { type DeleteLater, withoutFiles } from './selfie-files.ts';
import type { InviteRow, MemberRow, Store } from './store.ts';

export type Parts = { platform: Platform; store: Store; journal: Journal; models: Models };
/** What became of one address. */
export type InviteOutcome = { email: string; made: InviteRow | Failure };
export type Invites = ReturnType<typeof createInvites>;

/** The whole life of an invitation: made, accepted, used, withdrawn or past its time. */
export function createInvites(parts: Parts) {
  return {
    /** Refuses with VALIDATION, FORBIDDEN, NOT_FOUND for the team, CONFLICT, LIMIT_REACHED or INSUFFICIENT_CREDITS. */
    create: async (caller: Caller, input: CreateInviteInput, keyed: Keyed | null, signal?: AbortSignal): Promise<InviteRow> => createOne(parts, caller, { input, keyed, signal }),
    /** One outcome for each address, in one transaction. Refuses with VALIDATION, FORBIDDEN, NOT_FOUND or IDEMPOTENCY_CONFLICT. */
    createMany: async (caller: Caller, input: CreateInvitesInput, keyed: Keyed | null, signal?: AbortSignal): Promise<InviteOutcome[]> => createMany(parts, caller, { input, keyed, signal }),
    /** Refuses with NOT_FOUND, ALREADY_DELETED or VALIDATION. */
    revoke: async (caller: Caller, email: string, keyed: Keyed | null): Promise<InviteRow> => revoke(parts, caller, email, keyed),
    /** Ends one that is past its time; nothing happens when it is not. */
    expire: async (accountId: AccountId, id: InviteId): Promise<void> => expire(parts, accountId, id),
  };
}

type Order<Input> = { input: Input; keyed: Keyed | null; signal: AbortSignal | undefined };

async function createOne(parts: Parts, caller: Caller, { input, keyed, signal }: Order<CreateInviteInput>): Promise<InviteRow> {
  checkOrganization(caller);
  const { store, platform: { requests } } = parts;
  const id = newInviteId();
  return requests.once(caller.accountId, keyed, id, {
    async work() {
      const teamId = await holdTeam(store, caller.accountId, input.teamId);
      const [outcome] = await invite(parts, caller, { emails: [{ id, email: input.email.trim() }], teamId, isDevelopment: input.isDevelopment ?? false });
      signal?.throwIfAborted();
      assert(outcome, 'an address without an outcome');
      if (outcome.made instanceof Failure) throw outcome.made;
      return outcome.made;
    },
    replay: async (earlier) => store.findInvite(caller.accountId, earlier),
  });
}

async function createMany(parts: Parts, caller: Caller, { input, keyed, signal }: Order<CreateInvitesInput>): Promise<InviteOutcome[]> {
  checkOrganization(caller);
  const { store, platform: { requests } } = parts;
  const { accountId } = caller;
  const replay = async (noted: string): Promise<InviteOutcome[] | null> => readOutcomes(store, accountId, noted);
  // Before all else: a repeated request is answered even when its list was used.
  const earlier = await requests.findEarlier(accountId, keyed, replay);
  if (earlier) return earlier;
  const make = async (list: Uint8Array | null): Promise<InviteOutcome[]> => {
    const emails = checkEmails([...input.emails ?? [], ...list ? emailsOf(Buffer.from(list).toString('utf8')) : []], ['input', 'emails']).map((email) => ({ id: newInviteId(), email }));
    return requests.once<string, InviteOutcome[]>(accountId, keyed, '', {
      async work(_, note) {
        const teamId = await holdTeam(store, accountId, input.teamId);
        const outcomes = await invite(parts, caller, { emails, teamId, isDevelopment: input.isDevelopment ?? false });
        await note(noteOf(outcomes));
        signal?.throwIfAborted();
        return outcomes;
      },
      replay,
    });
  };
  if (!input.uploadId) return make(null);
  return withStaged(parts.platform, accountId, { uploadId: input.uploadId, path: ['input', 'uploadId'], keyed, replay, isFinal: () => false }, make);
}

type Noted = { email: string; id: InviteId } | { email: string; code: FailureCode; message: string; detail: FailureDetail };

/** What became of each address, for a repetition of the request. */
const noteOf = (outcomes: readonly InviteOutcome[]): string =>
  JSON.stringify(outcomes.map(({ email, made }): Noted => (made instanceof Failure ? { email, code: made.code, message: made.message, detail: made.detail } : { email, id: made.id })));

async function readOutcomes(store: Store, accountId: AccountId, noted: string): Promise<InviteOutcome[] | null> {
  const all = JSON.parse(noted) as Noted[];
  const ids = all.flatMap((one) => ('id' in one ? [one.id] : []));
  const rows = new Map((ids.length === 0 ? [] : await store.findInvites(accountId, ids)).map((row) => [row.id, row]));
  const outcomes = all.map((one) => ({ email: one.email, made: 'id' in one ? rows.get(one.id) ?? null : new Failure(one.code, one.message, one.detail) }));
  return outcomes.every((outcome): outcome is InviteOutcome => outcome.made !== null) ? outcomes : null;
}

/** Null: none was named. Refuses with NOT_FOUND. */
async function holdTeam(store: Store, accountId: AccountId, given: string | null | undefined): Promise<TeamId | null> {
  if (given === null || given === undefined) return null;
  const teamId = parseTeamId(given);
  if (!teamId || !(await store.holdTeam(accountId, teamId))) throw new Failure('NOT_FOUND', 'No such team', { path: ['input', 'teamId'] });
  return teamId;
}

type Asked = { id: InviteId; email: string };
type Batch = { emails: readonly Asked[]; teamId: TeamId | null; isDevelopment: boolean };

/** In the running transaction. Each address must be there once. */
async function invite({ platform, store, journal }: Parts, { accountId, keyId }: Caller, { emails, teamId, isDevelopment }: Batch): Promise<InviteOutcome[]> {
  await store.lockAccount(accountId);
  const refused = new Map<Asked, Failure>();
  const wellFormed = refuseWhere(emails, refused, ({ email }) => (isEmail(email) ? null : new Failure('VALIDATION', 'This is not an e-mail address', { path: ['email'] })));
  const present = new Map((wellFormed.length === 0 ? [] : await store.findInvitesInUse(accountId, wellFormed.map(({ email }) => emailKeyOf(email)))).map((row) => [row.emailKey, row]));
  const fresh = refuseWhere(wellFormed, refused, ({ email }) => alreadyInvited(present.get(emailKeyOf(email))));
  const room = Math.max(0, mostPending - (await store.countInvites(accountId, { status: 'PENDING' })));
  const placed = refuseWhere(fresh, refused, (_, index) => (index < room ? null : new Failure('LIMIT_REACHED', `At most ${mostPending} invitations may be pending`)));
  const held = costOf(isDevelopment) === 0 ? placed.length : await platform.credits.reserveEach(accountId, placed.map(({ id }) => id), 'Invitation to headshots', keyId);
  const paid = refuseWhere(placed, refused, (_, index) => (index < held ? null : new Failure('INSUFFICIENT_CREDITS', 'Insufficient credits', { required: 1, available: 0 })));
  const made = new Map((paid.length === 0 ? [] : await insert(store, accountId, paid, { teamId, isDevelopment })).map((row) => [row.id, row]));
  for (const row of made.values()) {
    await journal.tellInvite(row);
    await platform.mail.post(inviteMail, letterIdOf(accountId, row.id));
  }
  return emails.map((asked) => {
    const outcome = made.get(asked.id) ?? refused.get(asked);
    assert(outcome, 'an address without an outcome');
    return { email: asked.email, made: outcome };
  });
}

/** Those that are not refused. */
function refuseWhere(asked: readonly Asked[], refused: Map<Asked, Failure>, judge: (one: Asked, index: number) => Failure | null): Asked[] {
  return asked.filter((one, index) => {
    const failure = judge(one, index);
    if (failure) refused.set(one, failure);
    return !failure;
  });
}

const alreadyInvited = (row: InviteRow | undefined): Failure | null => row ? new Failure('CONFLICT', row.status === 'COMPLETED' ? 'This person has headshots already' : 'This person has been invited already', { path: ['email'], existingId: row.id }) : null;

async function insert(store: Store, accountId: AccountId, asked: readonly Asked[], { teamId, isDevelopment }: Omit<Batch, 'emails'>): Promise<InviteRow[]> {
  const members = await store.upsertMembers(accountId, asked.map(({ email }) => ({ id: newMemberId(), email, emailKey: emailKeyOf(email), teamId })));
  const byKey = new Map<string, MemberRow>(members.map((member) => [member.emailKey, member]));
  const expiresAt = new Date(Date.now() + inviteLivesMs);
  return store.insertInvites(accountId, asked.map(({ id, email }) => {
    const member = byKey.get(emailKeyOf(email));
    return { id, email, emailKey: emailKeyOf(email), memberId: member?.id ?? null, teamId: member?.teamId ?? null, modelId: null, isDevelopment, status: 'PENDING', expiresAt };
  }));
}

async function revoke(parts: Parts, caller: Caller, email: string, keyed: Keyed | null): Promise<InviteRow> {
  checkOrganization(caller);
  const { accountId } = caller;
  const { platform: { requests }, store } = parts;
  const find = async (): Promise<InviteRow> => {
    const row = await store.findInviteByEmail(accountId, emailKeyOf(email));
    if (!row) throw new Failure('NOT_FOUND', 'No such invite', { path: ['email'] });
    return row;
  };
  return withoutFiles(parts.platform, async (deleteLater) => requests.once(accountId, keyed, emailKeyOf(email), {
    async work() {
      const row = await store.lockInvite(accountId, (await find()).id);
      if (row && isRevocable(row.status)) return end(parts, row, 'REVOKED', deleteLater);
      const isOver = !row || row.status === 'REVOKED' || row.status === 'EXPIRED' || row.status === 'DELETED';
      throw isOver ? new Failure('ALREADY_DELETED', 'This invite is no longer in use') : new Failure('VALIDATION', 'The photos are complete: this invite can no longer be revoked');
    },
    replay: find,
  }));
}

async function expire(parts: Parts, accountId: AccountId, id: InviteId): Promise<void> {
  await withoutFiles(parts.platform, async (deleteLater) => {
    const row = await parts.store.lockInvite(accountId, id);
    if (row && isRevocable(row.status) && row.expiresAt.getTime() <= Date.now()) await end(parts, row, 'EXPIRED', deleteLater);
  });
}

/** In the running transaction, which holds the row: the credit is back, and what was begun is deleted. */
async function end({ platform, store, journal, models }: Parts, { accountId, id, modelId, memberId }: InviteRow, status: 'REVOKED' | 'EXPIRED', deleteLater: DeleteLater): Promise<InviteRow> {
  if (modelId) {
    await models.withdraw(accountId, modelId);
    deleteLater((await store.deleteSelfies(accountId, modelId)).map(({ blobKey }) => blobKey));
  }
  await platform.credits.release(id);
  const row = await store.changeInvite(accountId, id, { status });
  // Who has nothing here any more is no member.
  if (memberId) await store.deleteIdleMember(accountId, memberId);
  await journal.tellInvite(row);
  return row;
}
