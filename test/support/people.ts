import assert from 'node:assert/strict';
import { createOutbox } from '../../subgraphs/outbox.ts';
import { until } from './database.ts';
import type { Answer, TestPlatform } from './platform.ts';

type Asking = Pick<TestPlatform, 'rest' | 'dataDir'>;
type Errors = { code: string; message: string }[];
export type Signed = { secret: string; user: { id: string; email: string }; account: { id: string; name: string; type: string }; isNew: boolean };

const session = 'secret isNew user { id email } account { id name type: __typename } errors { code message }';
let places = 0;
/** Another place on the network for each: behind a proxy that is believed. */
export const somewhere = (): Record<string, string> => ({ 'x-forwarded-for': `198.51.${Math.floor(++places / 250)}.${places % 250}` });

async function mutate<Payload extends { errors: Errors }>({ rest }: Asking, key: string | null, query: string, variables: object, headers: Record<string, string> = {}): Promise<Payload> {
  const answer: Answer<{ data: Record<string, Payload> | null; errors?: { message: string; extensions: { code: string } }[] }> = await rest('/graphql', { key, json: { query, variables }, headers });
  const [payload] = Object.values(answer.body.data ?? {});
  if (!payload) return { errors: (answer.body.errors ?? []).map(({ message, extensions: { code } }) => ({ code, message })) } as Payload;
  return payload;
}

export const requestLink = async (platform: Asking, email: string, headers = somewhere()): Promise<{ sentTo: string | null; errors: Errors }> =>
  mutate(platform, null, 'mutation Link($email: EmailAddress!) { requestSignInLink(email: $email) { sentTo errors { code message } } }', { email }, headers);
export const useLink = async (platform: Asking, token: string, accountId: string | null = null): Promise<Signed & { errors: Errors }> =>
  mutate(platform, null, `mutation Use($token: String!, $accountId: ID) { signIn(token: $token, accountId: $accountId) { ${session} } }`, { token, accountId });
export const openFor = async (platform: Asking, key: string, accountId: string): Promise<Signed & { errors: Errors }> =>
  mutate(platform, key, `mutation Open($accountId: ID!) { openSession(accountId: $accountId) { ${session} } }`, { accountId });
export const signOut = async (platform: Asking, key: string, everywhere = false): Promise<{ ended: number | null; errors: Errors }> =>
  mutate(platform, key, `mutation { signOut${everywhere ? 'Everywhere' : ''} { ended errors { code message } } }`, {});
export const addMember = async (platform: Asking, key: string, email: string, role: string): Promise<{ member: { user: { id: string }; roles: string[] } | null; errors: Errors }> =>
  mutate(platform, key, 'mutation Add($email: EmailAddress!, $role: Role!) { addMember(email: $email, role: $role) { member { user { id } roles } errors { code message } } }', { email, role });
export const removeMember = async (platform: Asking, key: string, userId: string): Promise<{ removedId: string | null; errors: Errors }> =>
  mutate(platform, key, 'mutation Remove($userId: ID!) { removeMember(userId: $userId) { removedId errors { code message } } }', { userId });

export const lettersTo = async ({ dataDir }: Pick<Asking, 'dataDir'>, email: string): Promise<{ subject: string; text: string }[]> =>
  (await createOutbox(dataDir).list()).filter(({ to }) => to === email.toLowerCase());
export const tokenIn = (text: string): string | null => /\/login\?token=([\w-]{43})\s/.exec(text)?.[1] ?? null;

/** The token of a link that was asked for just now. */
export async function linkFor(platform: Asking, email: string): Promise<string> {
  const tokens = async (): Promise<string[]> => (await lettersTo(platform, email)).flatMap(({ text }) => tokenIn(text) ?? []);
  const before = new Set(await tokens());
  assert.deepEqual(await requestLink(platform, email), { sentTo: email, errors: [] });
  return until(async () => (await tokens()).find((token) => !before.has(token)) ?? null);
}

/** Signs in as people do, with the link of a letter. */
export async function signIn(platform: Asking, email: string, accountId: string | null = null): Promise<Signed> {
  const { errors, ...signed } = await useLink(platform, await linkFor(platform, email), accountId);
  assert.deepEqual(errors, []);
  return signed;
}
