import { Failure } from '../../schema/failures.ts';
import type { InviteStatus as Invites, MemberStatus as Members } from '../../schema/types/headshot.ts';
import { type PageRequest, pageRequest } from '../paging.ts';
import type { Caller } from '../subgraph.ts';
import type { Assessment } from '../vision/index.ts';

export type InviteStatus = Invites;
export type MemberStatus = Members;
export type ModelStatus = 'ONBOARDING' | 'WAITING' | 'PENDING' | 'GENERATING_HEADSHOTS' | 'ACTIVE' | 'FAILED' | 'DELETED';
export type PhotoStatus = 'ACTIVE' | 'DELETED';
export type LikedStatus = 'NONE' | 'LIKED' | 'LOVED';
export type Gender = 'MALE' | 'FEMALE';
/** Why a model has no headshots, as the SDL's `JobFailure`. */
export type Failing = { code: string; message: string; retryable: boolean; refunded: boolean };

/** What a look at a selfie found, as its row keeps it. */
export type SelfieAssessment = Pick<Assessment, 'issues' | 'remarks' | 'score' | 'framings'>;

export const mostTeams = 200;
/** Invitations of an organization that nobody has answered. */
export const mostPending = 1000;
/** Addresses of one request. */
export const mostEmails = 500;
export const inviteLivesMs = 30 * 24 * 3_600_000;
/** When the headshots of a model will be deleted; null: there are none, or not all. */
export const keptUntil = ({ status, finishedAt }: { status: ModelStatus; finishedAt: Date | null }, { headshotsMs }: { headshotsMs: number }): Date | null =>
  (status === 'ACTIVE' && finishedAt !== null ? new Date(finishedAt.getTime() + headshotsMs) : null);
/** Credits for one person's headshots. */
export const costOf = (isDevelopment: boolean): number => (isDevelopment ? 0 : 1);

/** Statuses of an invitation that nobody else's address may have besides it, and those of them in which it can be revoked. */
export const inUse = ['PENDING', 'ACCEPTED', 'UPLOADING', 'GENERATING', 'COMPLETED'] as const satisfies readonly InviteStatus[];
export const revocable = ['PENDING', 'ACCEPTED', 'UPLOADING'] as const satisfies readonly InviteStatus[];
export const isInUse = ({ status }: { status: InviteStatus }): boolean => (inUse as readonly InviteStatus[]).includes(status);
export const isRevocable = (status: InviteStatus): boolean => (revocable as readonly InviteStatus[]).includes(status);

const trimmedName = (name: string, what: string, path: string): string => {
  const trimmed = name.trim();
  const { length } = Array.from(trimmed);
  if (length < 1 || length > 100) throw new Failure('VALIDATION', `${what} has 1 to 100 characters`, { path: [path] });
  return trimmed;
};

/** The name as it is kept: without blanks around it, 1 to 100 characters. Refuses with VALIDATION. */
export const checkTeamName = (name: string): string => trimmedName(name, 'A team name', 'name');
export const checkPersonName = (name: string): string => trimmedName(name, 'A name', 'name');

/** Refuses with FORBIDDEN a caller that is no organization. */
export function checkOrganization({ accountKind }: Caller): void {
  if (accountKind !== 'organization') throw new Failure('FORBIDDEN', 'Only organizations have teams');
}

const emailPattern = /^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/;
export const isEmail = (text: string): boolean => text.length <= 254 && emailPattern.test(text);
/** What an address is compared by. */
export const emailKeyOf = (email: string): string => email.trim().toLowerCase();

/** Each address once, in the order of their first appearance, without blanks around it. Refuses with VALIDATION none, or more than 500. */
export function checkEmails(emails: readonly string[], path: readonly string[]): string[] {
  const unique = new Map<string, string>();
  for (const email of emails.map((given) => given.trim()).filter((email) => email !== '')) if (!unique.has(emailKeyOf(email))) unique.set(emailKeyOf(email), email);
  if (unique.size < 1 || unique.size > mostEmails) throw new Failure('VALIDATION', `Name 1 to ${mostEmails} e-mail addresses`, { path });
  return [...unique.values()];
}

/** The cells of comma, semicolon or tab separated text (RFC 4180), without empty lines. */
export function readCsv(text: string): string[][] {
  const separator = [',', ';', '\t'].find((candidate) => (text.split(/\r?\n/, 1)[0] ?? '').includes(candidate)) ?? ',';
  const rows: string[][] = [[]];
  const cells = text.replace(/^\uFEFF/, '').matchAll(new RegExp(`("(?:[^"]|"")*"|[^${separator}"\\r\\n]*)[^${separator}\\r\\n]*(${separator}|\\r?\\n|\\r|$)`, 'g'));
  for (const [whole, cell = '', end] of cells) {
    if (whole === '') break;
    rows.at(-1)?.push(cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"').trim() : cell.trim());
    if (end !== separator) rows.push([]);
  }
  return rows.filter((row) => row.some((cell) => cell !== ''));
}

/** The addresses of a list: its column `email`, whatever the case, else its first one. What is in it and no address is kept, to be refused by name. */
export function emailsOf(csv: string): string[] {
  const [head = [], ...rest] = readCsv(csv);
  const column = head.findIndex((cell) => /^e-?mail( ?address)?$/i.test(cell));
  const rows = column >= 0 ? rest : [head, ...rest];
  return rows.map((row) => row[Math.max(0, column)] ?? '').filter((cell) => cell !== '');
}

type PageArguments = { first?: number | null | undefined; after?: string | null | undefined; offset?: number | null | undefined };

/** Checks the arguments of a list that may be asked for from any place in it. Refuses with VALIDATION. */
export function offsetRequest({ first, after, offset }: PageArguments, defaultFirst: number): PageRequest {
  if (typeof offset === 'number' && (offset < 0 || typeof after === 'string')) throw new Failure('VALIDATION', 'offset must be 0 or more, and without after', { path: ['offset'] });
  return { ...pageRequest({ first, after }, defaultFirst), skip: offset ?? 0 };
}
