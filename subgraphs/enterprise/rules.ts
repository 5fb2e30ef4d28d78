import { parseIncompletePhoneNumber, parsePhoneNumberFromString } from 'libphonenumber-js/min';
import { Failure } from '../../schema/failures.ts';
import type { CreateApiKeyInput, CreateClientInput, CreateEnterpriseInput } from '../../schema/types/enterprise.ts';
import { defaultScopes } from '../keys.ts';
import type { AccountKind } from '../subgraph.ts';
import type { Role } from './tables.ts';

/** What a client is compared by: the e-mail address without regard to case, the number as a telephone network knows it. */
export type ClientKeys = { emailKey: string | null; phoneKey: string | null };

export function emailKeyOf(email: string): string {
  return email.trim().toLowerCase();
}

/**
 * A telephone number in E.164, with its extension: what is written with a plus or with the prefix 00, wherever it comes from, in one spelling.
 * No country is guessed: a number without its country stays the digits that it has. What no country has may be a number for all we know, and
 * stays its digits and leading plus.
 */
export function phoneKeyOf(phoneNumber: string): string {
  const text = phoneNumber.normalize('NFKC').trim().replace(/^\(?00(?=[\s.)/-]*[1-9])/, '+').replace(/^\(\+/, '+');
  const known = parsePhoneNumberFromString(text, { extract: false });
  return known ? `${known.number}${known.ext === undefined ? '' : `x${known.ext}`}` : parseIncompletePhoneNumber(text);
}

/** A file name without folders and control characters, at most 255 characters; null when nothing is left. */
export function fileNameOf(name: string | null | undefined): string | null {
  // Control and formatting characters turn a name into something else on a screen.
  const last = (name ?? '').split(/[/\\]/).at(-1)?.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}]/gu, '').trim() ?? '';
  return last === '' || last === '.' || last === '..' ? null : Array.from(last).slice(0, 255).join('');
}

/** @throws Failure VALIDATION with the field that breaks a rule. */
export function clientKeys({ email, name, phoneNumber, source }: CreateClientInput): ClientKeys {
  const refuse = (message: string, field?: string): never => {
    throw new Failure('VALIDATION', message, { path: field === undefined ? ['input'] : ['input', field] });
  };
  const keys = { emailKey: email ? emailKeyOf(email) : null, phoneKey: phoneNumber ? phoneKeyOf(phoneNumber) : null };
  if (keys.emailKey === null && keys.phoneKey === null) refuse('At least one of email and phoneNumber is required');
  if (keys.phoneKey !== null && !/\d/.test(keys.phoneKey)) refuse('phoneNumber has no digits', 'phoneNumber');
  if (typeof name === 'string' && name.trim() === '') refuse('name must have at least 1 character', 'name');
  if (typeof name === 'string' && name.length > 255) refuse('name must have at most 255 characters', 'name');
  if (source !== undefined && (source.trim() === '' || source.length > 64)) refuse('source must have 1 to 64 characters', 'source');
  return keys;
}

/** The name of a new business, trimmed. @throws Failure VALIDATION. */
export function checkBusiness({ businessName }: CreateEnterpriseInput): string {
  const name = businessName.trim();
  const { length } = Array.from(name);
  if (length < 4 || length > 100) throw new Failure('VALIDATION', 'businessName must have 4 to 100 characters', { path: ['input', 'businessName'] });
  return name;
}

/** The part of a slug that a name gives, at most 48 characters: `Hair Salon & Spa` becomes `hair-salon-spa`; a name in another script becomes `business`. */
export function slugBase(name: string): string {
  const plain = name.toLowerCase().replaceAll('ß', 'ss').replaceAll('ø', 'o').replaceAll('æ', 'ae').replaceAll('ł', 'l').replaceAll('đ', 'd').normalize('NFKD').replaceAll(/[\p{M}'’]/gu, '');
  const base = plain.replaceAll(/[^a-z0-9]+/g, '-').slice(0, 48).replaceAll(/^-+|-+$/g, '');
  return base === '' ? 'business' : base;
}

/** What stands in an enterprise's addresses: lower case letters, digits and single hyphens, 3 to 64 of them. */
export function isSlug(text: string): boolean {
  return text.length >= 3 && text.length <= 64 && /^[a-z0-9]+(-[a-z0-9]+)*$/.test(text);
}

/** The name and the expiry of a new key. @throws Failure VALIDATION with the field that breaks a rule. */
export function checkNewKey({ name, expiresAt }: CreateApiKeyInput, now: Date): { name: string; expiresAt: Date | null } {
  const trimmed = name.trim();
  if (trimmed === '' || trimmed.length > 100) throw new Failure('VALIDATION', 'name must have 1 to 100 characters', { path: ['input', 'name'] });
  const moment = expiresAt ? new Date(expiresAt) : null;
  if (moment && moment <= now) throw new Failure('VALIDATION', 'expiresAt must be in the future', { path: ['input', 'expiresAt'] });
  return { name: trimmed, expiresAt: moment };
}

const staffScopes: readonly string[] = [
  'organization:read', 'clients:read', 'clients:write', 'generations:read', 'generations:write', 'teams:read', 'models:read', 'photos:read', 'photos:write', 'skinshade:read', 'skinshade:write',
];

/** What a person may do for an account of that kind. */
export function scopesOfRoles(kind: AccountKind, roles: readonly Role[]): readonly string[] {
  return roles.some((role) => role !== 'staff') ? defaultScopes(kind) : roles.length > 0 ? staffScopes : [];
}

/** What a personal account is called before its owner gives it another name: what stands in front of the `@`. */
export function personalName(email: string): string {
  return email.split('@', 1)[0] ?? email;
}

/** The beginning of the first of the last `days` days of UTC, today included. @throws Failure VALIDATION. */
export function usageSince(days: number, now: Date): Date {
  if (days < 1 || days > 366) throw new Failure('VALIDATION', 'days must be from 1 to 366', { path: ['days'] });
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() - days + 1));
}
