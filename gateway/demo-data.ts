import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../schema/failures.ts';
import { createAccounts, createEnterpriseStore, createClient, type NewAccount } from '../subgraphs/enterprise/index.ts';
import { defaultScopes } from '../subgraphs/keys.ts';
import type { Platform } from '../subgraphs/platform.ts';
import { findDemoPhoto } from './files.ts';

/** What `$DATA_DIR/demo.json` holds. `photo`: URL of a portrait that this server serves; null without the development dependencies. */
export type Demo = { personalKey: string; enterprise: { slug: string; key: string }; partnerKey: string; organizationKey: string; photo: string | null };

const credits = 1000;
const salonClients = [
  { email: 'jane.smith@example.com', name: 'Jane Smith', phoneNumber: '+12025550101', source: 'demo' },
  { email: 'omar.haddad@example.com', name: 'Omar Haddad', phoneNumber: '+12025550102', source: 'demo' },
  { email: 'mei.tanaka@example.com', name: 'Mei Tanaka', source: 'demo' },
];

/**
 * Makes sure that an account of each kind exists whose keys are in `$DATA_DIR/demo.json`, and gives them. Keys that still work are kept,
 * so that they stay the same from start to start. For development only: it writes secrets in plain text.
 */
export async function seedDemo(platform: Platform): Promise<Demo> {
  const file = join(platform.env.dataDir, 'demo.json');
  const photo = findDemoPhoto() === null ? null : `${platform.env.publicUrl}/demo/portrait.jpg`;
  const known = await readDemo(platform.env.dataDir);
  const demo = known && (await stillWorks(platform, known)) ? { ...known, photo } : { ...await createDemo(platform), photo };
  await mkdir(platform.env.dataDir, { recursive: true });
  await writeFile(`${file}.tmp`, `${JSON.stringify(demo, null, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.tmp`, file);
  return demo;
}

/** Null when there is none, or none that can be read. */
export async function readDemo(dataDir: string): Promise<Demo | null> {
  try {
    return JSON.parse(await readFile(join(dataDir, 'demo.json'), 'utf8')) as Demo;
  } catch {
    return null;
  }
}

async function stillWorks({ keys }: Platform, demo: Demo): Promise<boolean> {
  const secrets = [demo.personalKey, demo.enterprise?.key, demo.partnerKey, demo.organizationKey];
  const callers = await Promise.all(secrets.map(async (secret) => (typeof secret === 'string' ? keys.findCaller(secret) : null)));
  return callers.every((caller) => caller !== null);
}

/** A lost demo.json leaves the old salon behind, and its slug with it. */
async function createDemo(platform: Platform): Promise<Omit<Demo, 'photo'>> {
  return createAccountsOf(platform, 'demo-salon').catch(async (error: unknown) => {
    if (!(error instanceof Failure) || error.code !== 'CONFLICT') throw error;
    return createAccountsOf(platform, `demo-salon-${Date.now().toString(36)}`);
  });
}

async function createAccountsOf(platform: Platform, slug: string): Promise<Omit<Demo, 'photo'>> {
  return platform.connection.transaction(async () => {
    const personal = await open(platform, { kind: 'personal', name: 'Demo' });
    const salon = await open(platform, { kind: 'enterprise', name: 'Demo Salon', slug, businessType: 'SALON' });
    const store = createEnterpriseStore(platform.connection);
    for (const client of salonClients) await createClient(store, salon.caller, client);
    const partner = await open(platform, { kind: 'partner', name: 'Demo Partner' });
    const organization = await open(platform, { kind: 'organization', name: 'Demo Organization', website: 'https://example.com/' });
    return { personalKey: personal.secret, enterprise: { slug, key: salon.secret }, partnerKey: partner.secret, organizationKey: organization.secret };
  });
}

async function open({ connection, keys, credits: books }: Platform, account: NewAccount) {
  const accountId = await createAccounts(connection).createAccount(account);
  await books.grant(accountId, credits, 'Demo credits');
  const scopes = defaultScopes(account.kind);
  const { key, secret } = await keys.issue({ accountId, accountKind: account.kind, name: 'Demo key', scopes, expiresAt: null });
  return { secret, caller: { accountId, accountKind: account.kind, keyId: key.id, scopes: new Set(scopes) } };
}
