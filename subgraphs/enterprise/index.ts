import { migrate } from '../migrations.ts';
import type { Platform } from '../platform.ts';
import { buildSubgraph } from '../schema.ts';
import type { Subgraph } from '../subgraph.ts';
import { createLoaders } from './loaders.ts';
import { accounts } from './migrations/001-accounts.ts';
import type { Context } from './models.ts';
import { resolvers } from './resolvers.ts';
import { createStore } from './store.ts';

export { type Accounts, createAccounts, type NewAccount } from './account.ts';
export { createClient } from './client.ts';
export { createStore as createEnterpriseStore } from './store.ts';

/** The subgraph of accounts, keys, credits and clients. */
export async function createEnterprise({ connection, keys, credits }: Platform): Promise<Subgraph> {
  await migrate(connection, 'enterprise', { '001_accounts': accounts });
  const store = createStore(connection);
  const sources = { store, keys, credits };
  return buildSubgraph<Context>('enterprise', resolvers, (request) => ({ ...request, ...sources, loaders: createLoaders(sources, request) }));
}
