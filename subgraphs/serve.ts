import { subgraphNames, type SubgraphName } from '../schema/sdl.ts';
import type { Connection } from './database.ts';
import { createAccounts, createEnterprise, enterpriseMigrations } from './enterprise/index.ts';
import { createHairstyle, hairstyleMigrations } from './hairstyle/index.ts';
import { createHeadshot } from './headshot/index.ts';
import { awaitMigrations, migrate, type Migration } from './migrations.ts';
import { createOperator, type Operator } from './operator.ts';
import type { Platform } from './platform.ts';
import { createSkinshade } from './skinshade/index.ts';
import type { Subgraph } from './subgraph.ts';
import { defineUpkeep } from './upkeep.ts';

/**
 * Brings the tables of these subgraphs up to date, creates them, and then lets their jobs run: none when the environment gives them no place.
 * Those that are not named belong to other processes on the same database, as do their jobs.
 */
export async function startSubgraphs(platform: Platform, names: readonly SubgraphName[] = subgraphNames): Promise<Subgraphs> {
  const subgraphs: { -readonly [Name in SubgraphName]?: Subgraph } = {};
  // A gateway without subgraphs of its own reads keys and credits, too.
  if (!names.includes('enterprise')) await haveTables(platform.connection, 'enterprise', enterpriseMigrations);
  for (const name of subgraphNames) {
    if (!names.includes(name)) continue;
    // Right before its own tables, never before those of another: two processes that need each other's tables would wait for ever.
    for (const needed of tablesNeeded[name]) if (!names.includes(needed)) await haveTables(platform.connection, needed, migrations[needed]);
    subgraphs[name] = await create[name](platform);
  }
  defineUpkeep(platform);
  await platform.jobs.start({ work: platform.env.workers > 0, owners: names.length === subgraphNames.length ? null : names });
  return subgraphs;
}

export type Subgraphs = Readonly<Partial<Record<SubgraphName, Subgraph>>>;

const create = { enterprise: createEnterprise, hairstyle: createHairstyle, headshot: createHeadshot, skinshade: createSkinshade } satisfies Record<SubgraphName, (platform: Platform) => Promise<Subgraph>>;

/** Beside those of enterprise, which everybody needs: photos and finished looks are in the tables of hairstyle. */
const tablesNeeded = { enterprise: [], hairstyle: [], headshot: ['hairstyle'], skinshade: ['hairstyle'] } as const;
const migrations = { hairstyle: hairstyleMigrations };

/** Who has a database of its own makes the tables itself. */
async function haveTables(connection: Connection, schema: SubgraphName, migrations: Record<string, Migration>): Promise<void> {
  if (connection.kind === 'pglite') await migrate(connection, schema, migrations);
  else await awaitMigrations(connection, schema, migrations);
}

/** The operator's commands over a platform whose subgraphs are started. */
export function operatorOf(platform: Platform): Operator {
  return createOperator({ ...platform, createAccount: (account) => createAccounts(platform.connection).createAccount(account) });
}
