import { createHash, createHmac } from 'node:crypto';
import ipaddr from 'ipaddr.js';
import { Failure } from '../../schema/failures.ts';
import { type Environment, getSigningSecret } from '../env.ts';
import { type LinkId, newAccountId, newLinkId, newUserId, parseAccountId, parseLinkId } from '../ids.ts';
import type { ApiKey, Keys } from '../keys.ts';
import type { Letter } from '../mail.ts';
import type { Platform } from '../platform.ts';
import type { Quota } from '../quotas.ts';
import { getCaller } from '../schema.ts';
import type { Caller, RequestContext } from '../subgraph.ts';
import { trialCredits } from './business.ts';
import { emailKeyOf, personalName, scopesOfRoles } from './rules.ts';
import type { AccountRow, MembershipRow, Store, UserRow } from './store.ts';

const linkLivesMs = 15 * 60_000;
const sessionLivesMs = 30 * 24 * 3_600_000;

/** Of links that are mailed to one address, and that are asked for from one place. */
export const linksToAddress: Quota = { name: 'sign-in-links', limit: 5, window: 'HOUR' };
const linksFromPlace: Quota = { name: 'sign-in-links-from', limit: 30, window: 'HOUR' };

/** What letters about links are posted under. */
export const linkMail = 'enterprise.sign-in';

type Parts = Pick<Platform, 'connection' | 'credits' | 'env' | 'keys' | 'mail' | 'quotas'> & { store: Store };
export type SignedIn = { session: ApiKey; secret: string; user: UserRow; account: AccountRow; isNew: boolean };

/**
 * Mails a link that signs its reader in. Nothing that is done or answered depends on whether the address is known.
 * @throws Failure RATE_LIMITED; UNAVAILABLE where no mail is sent.
 */
export async function requestLink({ connection, env, mail, quotas, store }: Parts, { address }: RequestContext, email: string): Promise<{ sentTo: string }> {
  if (!mail.isSent) throw new Failure('UNAVAILABLE', 'No mail is sent here, so nobody can sign in');
  const [id, emailKey] = [newLinkId(), emailKeyOf(email)];
  await connection.transaction(async () => {
    await quotas.take(linksFromPlace, placeOf(address), 'Too many links were asked for.');
    await quotas.take(linksToAddress, subjectOf(emailKey), 'Too many links were asked for.');
    await store.insertLink({ id, email_key: emailKey, token_sha256: sha256(tokenOf(env, id)), expires_at: new Date(Date.now() + linkLivesMs) });
    await mail.post(linkMail, id);
  });
  return { sentTo: email };
}

/** The letter with a link, made when it is sent: the link itself is kept nowhere. It goes to the address in the spelling by which people are told apart. */
export function linkWriter({ env, store }: { env: Environment; store: Store }): (subjectId: string) => Promise<Letter | null> {
  return async (subjectId) => {
    const id = parseLinkId(subjectId);
    const link = id && (await store.findLink({ id }, new Date()));
    if (!link) return null;
    return {
      to: link.emailKey, subject: 'Your link to sign in',
      text: `This link signs you in to Lookgraph. It works once, within 15 minutes.\n\n${env.publicUrl}/login?token=${tokenOf(env, link.id)}\n\nIf you did not ask for it, you need not do anything: without it nobody can sign in as you.\n`,
    };
  };
}

/**
 * Opens a session with the token of a link, and an account with trial credits for who has none.
 * @throws Failure NOT_FOUND for the token, and then for the account: the link can still be used.
 */
export async function signIn(parts: Parts, token: string, accountId: string | null): Promise<SignedIn> {
  const { connection, store } = parts;
  return connection.transaction(async () => {
    const link = await store.findLink({ tokenSha256: sha256(token) }, new Date());
    if (!link) throw noLink();
    const user = await store.getUserByEmail({ id: newUserId(), email: link.emailKey, email_key: link.emailKey });
    // From here on nobody else opens sessions for this person, gives them rights or takes some.
    await store.lockUser(user.id);
    if (!(await store.takeLink(link.id))) throw noLink();
    await store.markSignedIn(user.id);
    await store.deleteLinks(link.emailKey);
    const known = await store.listMemberships(user.id);
    const memberships = known.length > 0 ? known : [await signUp(parts, user)];
    return { ...(await open(parts.keys, user, memberships, accountId)), isNew: known.length === 0 };
  });
}

const noLink = (): Failure => new Failure('NOT_FOUND', 'This link was used already, or is older than 15 minutes. Please ask for another one.', { path: ['token'] });

async function signUp({ credits, store }: Parts, user: UserRow): Promise<MembershipRow> {
  const id = newAccountId();
  await store.insertAccount({ id, kind: 'personal', name: personalName(user.email), slug: null, business_type: null, subscription_status: null, website: null, partner_id: null, user_id: user.id });
  await store.insertMemberships(id, user.id, ['admin']);
  await credits.grant(id, trialCredits, 'Trial credits');
  const [membership] = await store.listMemberships(user.id);
  if (!membership) throw new Error('a new account has no member');
  return membership;
}

async function open(keys: Keys, user: UserRow, memberships: readonly MembershipRow[], given: string | null): Promise<Omit<SignedIn, 'isNew'>> {
  const accountId = given === null ? memberships[0]?.account.id : parseAccountId(given);
  const chosen = memberships.find(({ account }) => account.id === accountId);
  if (!chosen) throw new Failure('NOT_FOUND', 'You do not act for an account of that id', { path: ['accountId'] });
  const { account, roles } = chosen;
  const opened = await keys.openSession({ accountId: account.id, accountKind: account.kind, userId: user.id, scopes: scopesOfRoles(account.kind, roles), expiresAt: new Date(Date.now() + sessionLivesMs) });
  return { ...opened, user, account };
}

/** One more session of the person who asks. @throws Failure FORBIDDEN for a key; NOT_FOUND for an account that they do not act for. */
export async function openSession({ connection, keys, store }: Parts, context: RequestContext, accountId: string): Promise<SignedIn> {
  const { user } = await getPerson({ keys, store }, getCaller(context));
  return connection.transaction(async () => {
    await store.lockUser(user.id);
    // Whoever signed out everywhere in the meantime opens nothing more.
    await getPerson({ keys, store }, getCaller(context));
    return { ...(await open(keys, user, await store.listMemberships(user.id), accountId)), isNew: false };
  });
}

/** Ends the calling session, or all of the person's. @throws Failure FORBIDDEN for a key. */
export async function signOut({ connection, keys, store }: Parts, context: RequestContext, everywhere: boolean): Promise<{ ended: number }> {
  const caller = getCaller(context);
  const { user } = await getPerson({ keys, store }, caller);
  const ended = await connection.transaction(async () => {
    await store.lockUser(user.id);
    return keys.endSessions(user.id, everywhere ? {} : { keyId: caller.keyId });
  });
  return { ended };
}

/** Who signed in with the calling session. @throws Failure FORBIDDEN for a key; UNAUTHENTICATED for a session that has ended since. */
async function getPerson({ keys, store }: Pick<Parts, 'keys' | 'store'>, { accountId, keyId }: Pick<Caller, 'accountId' | 'keyId'>): Promise<{ user: UserRow }> {
  const credential = await keys.findCredential(accountId, keyId);
  if (!credential) throw new Failure('UNAUTHENTICATED', 'This session has ended');
  if (!credential.isSession) throw new Failure('FORBIDDEN', 'An API key is not signed in');
  const [user] = await store.findPeople(accountId, { ids: credential.userId ? [credential.userId] : [], emailKeys: [] });
  if (!user) throw new Failure('UNAUTHENTICATED', 'This session has ended');
  return { user };
}

/** What is counted of an address: not the address. */
const subjectOf = (emailKey: string): string => sha256(`e-mail ${emailKey}`);

/** What `linksToAddress` counts of a caller. */
export async function linkSubject(sources: Pick<Parts, 'keys' | 'store'>, { accountId, keyId }: Caller): Promise<string | null> {
  const credential = await sources.keys.findCredential(accountId, keyId);
  return credential?.isSession ? subjectOf((await getPerson(sources, { accountId, keyId })).user.emailKey) : null;
}

/** One subscriber of the network, who has a whole /64 of IPv6. What nobody knows the place of is one place. */
function placeOf(address: string | undefined): string {
  if (address === undefined || !ipaddr.isValid(address)) return 'unknown';
  const parsed = ipaddr.process(address);
  return sha256(`place ${parsed.kind() === 'ipv6' ? parsed.toByteArray().slice(0, 8).join('.') : parsed.toString()}`);
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** 32 bytes that nobody can guess who does not know our secret, made again when the letter is written. */
function tokenOf(env: Environment, id: LinkId): string {
  return createHmac('sha256', getSigningSecret(env)).update(`sign-in link\n${id}`).digest('base64url');
}
