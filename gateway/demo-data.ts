import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../schema/failures.ts';
import { createAccounts, createEnterpriseStore, createClient, type NewAccount } from '../subgraphs/enterprise/index.ts';
import { makeFolder } from '../subgraphs/folders.ts';
import type { AccountId } from '../subgraphs/ids.ts';
import { defaultScopes } from '../subgraphs/keys.ts';
import type { Platform } from '../subgraphs/platform.ts';
import type { AccountKind } from '../subgraphs/subgraph.ts';

/** What `$DATA_DIR/demo.json` holds. `photo`: URL of a portrait that this server serves. */
export type Demo = { personalKey: string; enterprise: { slug: string; key: string }; partnerKey: string; organizationKey: string; photo: string };

type DemoAccount = { id: AccountId; slug: string | null; key: string };

const credits = 1000;
const newAccounts: { readonly [Kind in AccountKind]: Omit<NewAccount, 'kind'> } = {
  personal: { name: 'Demo' },
  enterprise: { name: 'Demo Salon', slug: 'demo-salon', businessType: 'SALON' },
  partner: { name: 'Demo Partner' },
  organization: { name: 'Demo Organization', website: 'https://example.com/' },
};
const salonClients = [
  { email: 'jane.smith@example.com', name: 'Jane Smith', phoneNumber: '+12025550101', source: 'demo' },
  { email: 'omar.haddad@example.com', name: 'Omar Haddad', phoneNumber: '+12025550102', source: 'demo' },
  { email: 'mei.tanaka@example.com', name: 'Mei Tanaka', source: 'demo' },
];

/**
 * Makes sure that an account of each kind exists whose key is in `$DATA_DIR/demo.json`, and gives the keys. One that still works is kept, so
 * that it stays the same from start to start; one that does not is replaced by another of the same account, which is known from
 * `demo-accounts.json`. For development only: it writes secrets in plain text.
 */
export async function seedDemo(platform: Platform): Promise<Demo> {
  const { dataDir, publicUrl } = platform.env;
  const [known, ids] = [await readDemo(dataDir), await readJson<Partial<Record<AccountKind, AccountId>>>(join(dataDir, 'demo-accounts.json'))];
  const account = async (kind: AccountKind, key: string | undefined): Promise<DemoAccount> => (await findUsable(platform, key)) ?? (await findOwner(platform, kind, ids?.[kind])) ?? (await create(platform, kind));
  const [personal, enterprise, partner, organization] = [
    await account('personal', known?.personalKey), await account('enterprise', known?.enterprise?.key), await account('partner', known?.partnerKey), await account('organization', known?.organizationKey),
  ];
  const demo: Demo = {
    personalKey: personal.key, enterprise: { slug: enterprise.slug ?? '', key: enterprise.key }, partnerKey: partner.key, organizationKey: organization.key, photo: `${publicUrl}/demo/portrait.jpg`,
  };
  makeFolder(dataDir);
  await writeJson(join(dataDir, 'demo-accounts.json'), { personal: personal.id, enterprise: enterprise.id, partner: partner.id, organization: organization.id });
  await writeJson(join(dataDir, 'demo.json'), demo);
  return demo;
}

/** Null when there is none, or none that can be read. What is in it may be less than it should be. */
export async function readDemo(dataDir: string): Promise<Partial<Demo> | null> {
  return readJson(join(dataDir, 'demo.json'));
}

async function readJson<Value>(file: string): Promise<Value | null> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Value;
  } catch {
    return null;
  }
}

async function writeJson(file: string, value: object): Promise<void> {
  await writeFile(`${file}.tmp`, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.tmp`, file);
}

async function findUsable({ connection, keys }: Platform, key: string | undefined): Promise<DemoAccount | null> {
  const caller = typeof key === 'string' ? await keys.findCaller(key) : null;
  const account = caller && (await createEnterpriseStore(connection).findAccount(caller.accountId));
  return account && key ? { id: account.id, slug: account.slug, key } : null;
}

async function findOwner(platform: Platform, kind: AccountKind, id: AccountId | undefined): Promise<DemoAccount | null> {
  const account = id ? await createEnterpriseStore(platform.connection).findAccount(id).catch(() => null) : null;
  return account?.kind === kind ? { id: account.id, slug: account.slug, key: (await issue(platform, kind, account.id)).secret } : null;
}

/** When both files are lost the old salon is still there, and its slug with it. */
async function create(platform: Platform, kind: AccountKind): Promise<DemoAccount> {
  return open(platform, kind, newAccounts[kind]).catch(async (error: unknown) => {
    if (!(error instanceof Failure) || error.code !== 'CONFLICT') throw error;
    return open(platform, kind, { ...newAccounts[kind], slug: `demo-salon-${Date.now().toString(36)}` });
  });
}

async function open(platform: Platform, kind: AccountKind, account: Omit<NewAccount, 'kind'>): Promise<DemoAccount> {
  const { connection, credits: books } = platform;
  return connection.transaction(async () => {
    const id = await createAccounts(connection).createAccount({ ...account, kind });
    await books.grant(id, credits, 'Demo credits');
    const { key, secret } = await issue(platform, kind, id);
    const caller = { accountId: id, accountKind: kind, keyId: key.id, scopes: new Set(key.scopes) };
    if (kind === 'enterprise') for (const client of salonClients) await createClient(createEnterpriseStore(connection), caller, client);
    return { id, slug: account.slug ?? null, key: secret };
  });
}

async function issue({ keys }: Platform, kind: AccountKind, accountId: AccountId) {
  return keys.issue({ accountId, accountKind: kind, name: 'Demo key', scopes: defaultScopes(kind), expiresAt: null });
}
