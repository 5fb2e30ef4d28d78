import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { TestPlatform } from './platform.ts';

type Errors = { code: string; message: string }[];
type Page = Pick<TestPlatform, 'gql' | 'send'>;

/** What an invited person does behind the link: gives a name, sends selfies, says that they are complete. What each selfie was found to be worth. */
export async function comeByLink(page: Page, token: string, name: string, selfies: readonly Uint8Array[]): Promise<{ isUsable: boolean; issues: string[] }[]> {
  const mutate = async <Payload extends { errors: Errors }>(query: string, variables: object): Promise<Payload> => {
    const [payload] = Object.values(await page.gql<Record<string, Payload>>(null, query, { token, ...variables }));
    assert.deepEqual(payload?.errors, [], query);
    return payload ?? assert.fail();
  };
  await mutate('mutation ($token: String!, $name: String!) { acceptInvite(token: $token, name: $name) { errors { code message } } }', { name });
  const found: { isUsable: boolean; issues: string[] }[] = [];
  for (const bytes of selfies) {
    const { upload } = await mutate<{ upload: { uploadId: string; uploadUrl: string }; errors: Errors }>('mutation ($token: String!, $byteLength: Int!) { createSelfieUpload(token: $token, byteLength: $byteLength) { upload { uploadId uploadUrl } errors { code message } } }', { byteLength: bytes.length });
    const { pathname, search } = new URL(upload.uploadUrl);
    assert.equal((await page.send(pathname + search, { method: 'PUT', body: new Uint8Array(bytes) })).status, 204);
    const { selfie } = await mutate<{ selfie: { isUsable: boolean; issues: string[] }; errors: Errors }>('mutation ($token: String!, $uploadId: ID!) { addSelfie(token: $token, uploadId: $uploadId) { selfie { isUsable issues } errors { code message } } }', { uploadId: upload.uploadId });
    found.push(selfie);
  }
  await mutate('mutation ($token: String!) { completeOnboarding(token: $token) { errors { code message } } }', {});
  return found;
}

/** Looks, as the page does, until the headshots are ready; the test's own time limit ends it otherwise. */
export async function headshotsReady({ gql }: Pick<Page, 'gql'>, token: string): Promise<void> {
  for (let status = ''; status !== 'COMPLETED'; await pause(250)) ({ onboarding: { status } } = await gql<{ onboarding: { status: string } }>(null, 'query ($token: String!) { onboarding(token: $token) { status } }', { token }));
}
