import assert from 'node:assert/strict';
import type { Caller } from '../../../subgraphs/subgraph.ts';
import { newSelfieId, parseModelId } from '../../../subgraphs/ids.ts';
import type { Assessment } from '../../../subgraphs/vision/index.ts';
import { acceptInvite, createInvite, type InvitePayload, type Refused, type Studio } from './studio.ts';

const view = `email name status isDevelopment organizationName selfiesNeeded selfiesAllowed progress { status stage } failure { code }
  selfies { id name isUsable score issues advice url(width: 200) checks { kind result message } }`;
const refusal = 'errors { type: __typename code message path ... on ConflictError { existingId } ... on ImageRejectedError { issues } ... on RateLimitedError { retryAfterSeconds } }';

export type Selfie = { id: string; name: string | null; isUsable: boolean; score: number; issues: string[]; advice: string | null; url: string; checks: { kind: string; result: string; message: string }[] };
export type Seen = {
  email: string | null; name: string | null; status: string; isDevelopment: boolean; organizationName: string; selfiesNeeded: number; selfiesAllowed: number;
  progress: { status: string; stage: string } | null; failure: { code: string } | null; selfies: Selfie[];
};
export type Refusal = Refused & { issues?: string[]; retryAfterSeconds?: number };
export type Payload = { selfie?: Selfie | null; onboarding: Seen | null; removedId?: string | null; errors: Refusal[] };
type Upload = { upload: { uploadId: string; uploadUrl: string } | null; errors: Refusal[] };

/** What the person behind a link does, without a key. */
export function createGuest({ get, platform: { blobs } }: Studio, token: string) {
  const guest = {
    token,
    see: async () => get<Seen | null>(null, `query ($token: String!) { onboarding(token: $token) { ${view} } }`, { token }),
    accept: async (name = 'Jane Doe') => get<Payload>(null, acceptInvite, { token, name }),
    begin: async (byteLength = 1) => get<Upload>(null, `mutation ($token: String!, $byteLength: Int!) { createSelfieUpload(token: $token, byteLength: $byteLength) { upload { uploadId uploadUrl } ${refusal} } }`, { token, byteLength }),
    async put(uploadUrl: string, bytes: Uint8Array): Promise<number> {
      const { pathname, searchParams } = new URL(uploadUrl);
      return (await blobs.putUpload({ method: 'PUT', path: pathname, query: Object.fromEntries(searchParams), headers: {}, body: (async function* () { yield bytes; })() })).status;
    },
    add: async (uploadId: string, name: string | null = null) => get<Payload>(null, `mutation ($token: String!, $uploadId: ID!, $name: String) {
      addSelfie(token: $token, uploadId: $uploadId, name: $name) { selfie { id name isUsable score issues advice url(width: 200) checks { kind result message } } onboarding { ${view} } ${refusal} } }`, { token, uploadId, name }),
    async send(bytes: Uint8Array, name: string | null = null): Promise<Payload> {
      const { upload, errors } = await guest.begin(bytes.byteLength);
      if (!upload) return { onboarding: null, errors };
      assert.equal(await guest.put(upload.uploadUrl, bytes), 204);
      return guest.add(upload.uploadId, name);
    },
    remove: async (id: string) => get<Payload>(null, `mutation ($token: String!, $id: ID!) { removeSelfie(token: $token, id: $id) { removedId onboarding { ${view} } ${refusal} } }`, { token, id }),
    complete: async () => get<Payload>(null, `mutation ($token: String!) { completeOnboarding(token: $token) { onboarding { ${view} } ${refusal} } }`, { token }),
  };
  return guest;
}

export type TestGuest = ReturnType<typeof createGuest>;

/** Somebody invited. */
export async function invitedGuest(studio: Studio, me: Caller, email = 'jane@example.com', more: object = {}): Promise<TestGuest & { inviteId: string }> {
  const { invite, errors } = await studio.get<InvitePayload>(me, createInvite, { input: { email, ...more } });
  assert.deepEqual(errors, []);
  return { ...createGuest(studio, invite?.token ?? ''), inviteId: invite?.id ?? '' };
}

/** Puts a row and a file where a look at a photo would have put them: for tests that are not about the look. */
export async function giveSelfie({ platform: { blobs, connection }, store }: Studio, me: Caller, email: string, isUsable = true, framings: Assessment['framings'] = []) {
  const [row] = await connection.execute('select id from headshot.model where account_id = $1 and email = $2 order by id desc limit 1', [me.accountId, email]);
  const modelId = parseModelId(String(row?.['id'])) ?? assert.fail('no model');
  const id = newSelfieId();
  const blobKey = await blobs.put(Buffer.from(id), { contentType: 'image/jpeg' });
  return store.insertSelfie(me.accountId, {
    id, modelId, name: null, blobKey, width: 1, height: 1, likeness: Buffer.from(`${id}------`).toString('hex').slice(0, 64), isUsable, assessment: { issues: isUsable ? [] : ['NO_FACE'], remarks: [], score: isUsable ? 1 : 0, framings },
  });
}

export const codeOf = ({ errors }: { errors: Refusal[] }): string => errors[0]?.code ?? 'OK';
