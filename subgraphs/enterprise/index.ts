import { migrate } from '../migrations.ts';
import type { Platform } from '../platform.ts';
import { skinShadeQuota } from '../quotas.ts';
import { buildSubgraph } from '../schema.ts';
import type { Subgraph } from '../subgraph.ts';
import { disabledMail, disabledReporter, disabledWriter } from './endpoint.ts';
import { createEndpointStore } from './endpoint-store.ts';
import { mediaEraser } from './erasure.ts';
import { defineUpkeep } from './upkeep.ts';
import { invitations, welcomeMail, welcomeWriter } from './member.ts';
import { linkMail, linksToAddress, linkSubject, linkWriter } from './sign-in.ts';
import { createLoaders } from './loaders.ts';
import { accounts } from './migrations/001-accounts.ts';
import { businesses } from './migrations/002-businesses.ts';
import { logs } from './migrations/003-logs.ts';
import { erasures } from './migrations/004-erasures.ts';
import { requests } from './migrations/005-requests.ts';
import { phones } from './migrations/006-phones.ts';
import { search } from './migrations/007-search.ts';
import { people } from './migrations/008-people.ts';
import { webhooks } from './migrations/009-webhooks.ts';
import { traces } from './migrations/010-traces.ts';
import { pages } from './migrations/011-pages.ts';
import { answers } from './migrations/012-answers.ts';
import { spending } from './migrations/013-spending.ts';
import type { Context } from './models.ts';
import { resolvers } from './resolvers.ts';
import { createStore } from './store.ts';

export { type Accounts, createAccounts, type NewAccount } from './account.ts';
export { createClient } from './client.ts';
export { createStore as createEnterpriseStore } from './store.ts';

/** The tables of the schema `enterprise`. */
export const enterpriseMigrations = { '001_accounts': accounts, '002_businesses': businesses, '003_logs': logs, '004_erasures': erasures, '005_requests': requests, '006_phones': phones, '007_search': search, '008_people': people, '009_webhooks': webhooks, '010_traces': traces, '011_pages': pages, '012_answers': answers, '013_spending': spending };

/** The subgraph of accounts, keys, credits and clients. */
export async function createEnterprise(platform: Platform): Promise<Subgraph> {
  const { connection, keys, credits, blobs } = platform;
  await migrate(connection, 'enterprise', enterpriseMigrations);
  if (connection.kind === 'pglite') await platform.answers.giveAllFree();
  const store = createStore(connection);
  platform.erasures.define('enterprise', mediaEraser({ ...platform, store }));
  const endpoints = createEndpointStore(connection);
  const sources = { store, endpoints, keys, credits };
  platform.mail.define(linkMail, linkWriter({ ...platform, store }));
  platform.mail.define(welcomeMail, welcomeWriter({ ...platform, store }));
  platform.mail.define(disabledMail, disabledWriter({ ...platform, store, endpoints }));
  platform.webhooks.onDisabled(disabledReporter({ ...platform, store }));
  platform.quotas.tell(linksToAddress, async (caller) => linkSubject({ keys, store }, caller));
  platform.quotas.tell(skinShadeQuota, async ({ keyId, scopes }) => (scopes.has('skinshade:write') ? keyId : null));
  platform.quotas.tell(invitations, async ({ accountId, accountKind, scopes }) => (accountKind !== 'personal' && scopes.has('organization:write') ? accountId : null));
  defineUpkeep({ ...platform, store });
  return buildSubgraph<Context>('enterprise', resolvers, (request, stopped) => ({ ...request, ...sources, platform, blobs, stopped, loaders: createLoaders(sources, request) }));
}
