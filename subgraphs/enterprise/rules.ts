import { Failure } from '../../schema/failures.ts';
import type { CreateClientInput } from '../../schema/types/enterprise.ts';

/** What a client is compared by: the e-mail address without regard to case, the number by its digits and leading plus. */
export type ClientKeys = { emailKey: string | null; phoneKey: string | null };

export function emailKeyOf(email: string): string {
  return email.trim().toLowerCase();
}

export function phoneKeyOf(phoneNumber: string): string {
  return `${phoneNumber.trim().startsWith('+') ? '+' : ''}${phoneNumber.replaceAll(/\D/g, '')}`;
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

/** What stands in an enterprise's addresses: lower case letters, digits and single hyphens, 3 to 64 of them. */
export function isSlug(text: string): boolean {
  return text.length >= 3 && text.length <= 64 && /^[a-z0-9]+(-[a-z0-9]+)*$/.test(text);
}
