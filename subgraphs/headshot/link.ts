import { createHmac, timingSafeEqual } from 'node:crypto';
import { type Environment, getSigningSecret } from '../env.ts';
import { type AccountId, type InviteId, type ModelId, type UploadId, parseAccountId, parseInviteId, parseModelId } from '../ids.ts';

/** Whom a link is for: somebody invited, or somebody whose headshots were started without an invitation. */
export type Guest = { accountId: AccountId } & ({ inviteId: InviteId; modelId: null } | { inviteId: null; modelId: ModelId });
export type Links = ReturnType<typeof createLinks>;

/** Links that stand for the person they were made for. What is known of them is in the rows: a token itself does not expire. */
export function createLinks(env: Pick<Environment, 'publicUrl' | 'signingSecret' | 'dataDir'>) {
  const hmac = (text: string): string => createHmac('sha256', getSigningSecret(env as Environment)).update(text).digest('base64url').slice(0, 32);
  const sign = (id: string, account: string): string => hmac(`headshot guest\n${id}\n${account}`);
  const signUpload = ({ accountId, inviteId, modelId }: Guest, uploadId: string): string => hmac(`headshot selfie\n${uploadId}\n${accountId}\n${inviteId ?? modelId}`);
  const tokenOf = (accountId: AccountId, id: InviteId | ModelId): string => {
    const account = Buffer.from(accountId.replaceAll('-', ''), 'hex').toString('base64url');
    return `${id}.${account}.${sign(id, account)}`;
  };
  return {
    /** The name of an upload for one guest, which nobody else of the account can use. */
    ownUpload: (guest: Guest, uploadId: UploadId): string => `${uploadId}.${signUpload(guest, uploadId)}`,
    /** Null: not one that was made for this guest. */
    readUpload(guest: Guest, name: string): string | null {
      const [uploadId = '', signature = ''] = name.split('.');
      return isEqual(signature, signUpload(guest, uploadId)) ? uploadId : null;
    },
    tokenOf,
    inviteUrl: (accountId: AccountId, id: InviteId): string => `${env.publicUrl}/auth/signup?invite=${tokenOf(accountId, id)}`,
    modelUrl: (accountId: AccountId, id: ModelId): string => `${env.publicUrl}/auth/social?token=${tokenOf(accountId, id)}&anonymous=1`,
    /** Null: not one that was made here. */
    read(token: string): Guest | null {
      const [id = '', account = '', signature = '', ...more] = token.split('.');
      if (more.length > 0 || !isEqual(signature, sign(id, account))) return null;
      const hex = Buffer.from(account, 'base64url').toString('hex');
      const accountId = parseAccountId([[0, 8], [8, 12], [12, 16], [16, 20], [20, 32]].map(([from, to]) => hex.slice(from, to)).join('-'));
      const [inviteId, modelId] = [parseInviteId(id), parseModelId(id)];
      if (!accountId) return null;
      return inviteId ? { accountId, inviteId, modelId: null } : modelId && { accountId, inviteId: null, modelId };
    },
  };
}

function isEqual(given: string, expected: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(expected)];
  return one.length === other.length && timingSafeEqual(one, other);
}
