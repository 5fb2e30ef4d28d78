import { Failure } from '../../schema/failures.ts';
import type { Role as GraphRole } from '../../schema/types/enterprise.ts';
import type { Environment } from '../env.ts';
import { newUserId, parseAccountId, parseUserId, type UserId } from '../ids.ts';
import type { Letter } from '../mail.ts';
import type { Platform } from '../platform.ts';
import type { Quota } from '../quotas.ts';
import type { Keyed } from '../requests.ts';
import type { Caller } from '../subgraph.ts';
import { emailKeyOf, scopesOfRoles } from './rules.ts';
import type { MemberRow, Store } from './store.ts';
import type { Role } from './tables.ts';

/** What letters to new members are posted under; the subject is `accountId userId`. */
export const welcomeMail = 'enterprise.welcome';

const mostMembers = 200;
/** Each tells somebody by mail, who may not know the account. */
export const invitations: Quota = { name: 'members-added', limit: 100, window: 'DAY' };
const roles: { readonly [Name in GraphRole]: Role } = { BUSINESS_OWNER: 'business_owner', ADMIN: 'admin', STAFF: 'staff' };

type Parts = Pick<Platform, 'connection' | 'keys' | 'mail' | 'quotas' | 'requests'> & { store: Store };

export const graphRoles = (given: readonly Role[]): GraphRole[] => (Object.keys(roles) as GraphRole[]).filter((name) => given.includes(roles[name]));

/**
 * Gives a person a role, in place of the one they had. Their sessions end with a change, for each was opened with what they might do then.
 * @throws Failure FORBIDDEN; VALIDATION; CONFLICT for the owner; RATE_LIMITED.
 */
export async function addMember(parts: Parts, caller: Caller, given: { email: string; role: GraphRole }, keyed: Keyed | null): Promise<{ member: MemberRow }> {
  hasMembers(caller);
  const role = roles[given.role];
  if (role === 'business_owner') throw new Failure('VALIDATION', 'A business has one owner, who is named when it is created', { path: ['role'] });
  mayDecide(caller, [role]);
  const find = async () => ({ member: await getMember(parts.store, caller, await userOf(parts.store, given.email)) });
  return parts.requests.once(caller.accountId, keyed, emailKeyOf(given.email), { work: async () => add(parts, caller, given.email, role), replay: find });
}

const userOf = async (store: Store, email: string): Promise<UserId> => (await store.getUserByEmail({ id: newUserId(), email: email.trim(), email_key: emailKeyOf(email) })).id;

/** In the running transaction. */
async function add({ keys, mail, quotas, store }: Parts, caller: Caller, email: string, role: Role): Promise<{ member: MemberRow }> {
  const { accountId } = caller;
  await quotas.take(invitations, accountId, 'Too many members were added.');
  const userId = await userOf(store, email);
  await store.lockUser(userId);
  const count = await store.lockMembers(accountId);
  const present = await store.findMember(accountId, userId);
  if (present?.roles.length === 1 && present.roles[0] === role) return { member: present };
  if (present) await mayChange(caller, present);
  else if (count >= mostMembers) throw new Failure('VALIDATION', `An account has at most ${mostMembers} members`, { path: ['email'] });
  await store.deleteMemberships(accountId, userId);
  await store.insertMemberships(accountId, userId, [role]);
  await keys.endSessions(userId, { accountId });
  if (!present) await mail.post(welcomeMail, `${accountId} ${userId}`);
  return { member: await getMember(store, caller, userId) };
}

/** @throws Failure NOT_FOUND; FORBIDDEN; CONFLICT for the owner. */
export async function removeMember({ connection, keys, store }: Parts, caller: Caller, id: string): Promise<{ removedId: UserId }> {
  hasMembers(caller);
  const userId = parseUserId(id);
  if (!userId) throw noMember();
  return connection.transaction(async () => {
    await store.lockUser(userId);
    await mayChange(caller, await getMember(store, caller, userId));
    await store.deleteMemberships(caller.accountId, userId);
    await keys.endSessions(userId, { accountId: caller.accountId });
    return { removedId: userId };
  });
}

/** What tells a person that they may sign in for an account. */
export function welcomeWriter({ env, store }: { env: Environment; store: Store }): (subjectId: string) => Promise<Letter | null> {
  return async (subjectId) => {
    const [account, user] = subjectId.split(' ');
    const [accountId, userId] = [parseAccountId(account ?? ''), parseUserId(user ?? '')];
    const member = accountId && userId && (await store.findMember(accountId, userId));
    const found = member && (await store.findAccount(accountId));
    if (!found) return null;
    // One line, whatever the account is called.
    const name = found.name.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();
    return { to: member.user.emailKey, subject: `You can sign in for ${name}`, text: `You can now sign in to Lookgraph for ${name}, with this e-mail address and without a password:\n\n${env.publicUrl}/login\n` };
  };
}

function hasMembers({ accountKind }: Caller): void {
  if (accountKind === 'personal') throw new Failure('FORBIDDEN', 'A personal account has no members but its owner');
}

async function getMember(store: Store, { accountId }: Caller, userId: UserId): Promise<MemberRow> {
  const member = await store.findMember(accountId, userId);
  if (!member) throw noMember();
  return member;
}

async function mayChange(caller: Caller, { roles: present }: MemberRow): Promise<void> {
  if (present.includes('business_owner')) throw new Failure('CONFLICT', 'The owner keeps all rights', { path: ['userId'] });
  mayDecide(caller, present);
}

/** Nobody gives or takes what they have not themself. */
function mayDecide({ accountKind, scopes }: Caller, decided: readonly Role[]): void {
  const excess = scopesOfRoles(accountKind, decided).find((scope) => !scopes.has(scope));
  if (excess !== undefined) throw new Failure('FORBIDDEN', `Who may not do all of that may not decide on it: the scope ${excess} is missing`, { path: ['role'] });
}

const noMember = (): Failure => new Failure('NOT_FOUND', 'Member not found', { path: ['userId'] });
