import type { AccountId, InviteId } from '../ids.ts';
import { parseAccountId, parseInviteId } from '../ids.ts';
import type { Letter, MailSource } from '../mail.ts';
import type { Platform } from '../platform.ts';
import type { Links } from './link.ts';
import { mostSelfies } from './selfie-rules.ts';
import type { Store } from './store.ts';

/** What letters to invited people are posted under. */
export const inviteMail: MailSource = 'headshot.invite';
export const letterIdOf = (accountId: AccountId, id: InviteId): string => `${accountId} ${id}`;

type Parts = { accountNames: Platform['accountNames']; links: Links; store: Store };

/** The letter with an invitation's link, made when it is sent: the link itself is kept nowhere. Null once the person has answered, or nobody waits for an answer. */
export function inviteWriter({ accountNames, links, store }: Parts): (letterId: string) => Promise<Letter | null> {
  return async (letterId) => {
    const [account = '', invitation = ''] = letterId.split(' ');
    const [accountId, id] = [parseAccountId(account), parseInviteId(invitation)];
    const invite = accountId && id && (await store.findInvite(accountId, id));
    if (!invite || invite.status !== 'PENDING' || invite.expiresAt.getTime() <= Date.now()) return null;
    // A name is one line, whatever somebody called their organization.
    const name = ((await accountNames.find(accountId)) ?? '').replaceAll(/\s+/g, ' ');
    return { to: invite.email, subject: `${name} invites you to your headshots`, text: textOf(name, links.inviteUrl(accountId, id), invite.expiresAt) };
  };
}

function textOf(name: string, url: string, expiresAt: Date): string {
  const until = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' }).format(expiresAt);
  return `Hello

${name} invites you to professional headshots, made from photos that you take yourself.

${url}

Open the link, say your name and send 1 to ${mostSelfies} photos of yourself; a phone will do. You are told at once which of them can be used, and the headshots appear on the same page.

The link is for you alone: whoever has it can send photos in your name. It can be used until ${until}.

If you did not expect this letter, you need not do anything.
`;
}
