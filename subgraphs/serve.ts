import type { SubgraphName } from '../schema/sdl.ts';
import { createAccounts, createEnterprise } from './enterprise/index.ts';
import { createHairstyle } from './hairstyle/index.ts';
import { createHeadshot } from './headshot/index.ts';
import { createOperator, type Operator } from './operator.ts';
import type { Platform } from './platform.ts';
import { createSkinshade } from './skinshade/index.ts';
import type { Subgraph } from './subgraph.ts';
import { defineUpkeep } from './upkeep.ts';

/** Brings the database up to date, creates all subgraphs, and then lets jobs run: none when the environment gives them no place. */
export async function startSubgraphs(platform: Platform): Promise<Record<SubgraphName, Subgraph>> {
  const subgraphs = {
    enterprise: await createEnterprise(platform),
    hairstyle: await createHairstyle(platform),
    headshot: await createHeadshot(platform),
    skinshade: await createSkinshade(),
  };
  defineUpkeep(platform);
  await platform.jobs.start({ work: platform.env.workers > 0 });
  return subgraphs;
}

/** The operator's commands over a platform whose subgraphs are started. */
export function operatorOf(platform: Platform): Operator {
  return createOperator({ ...platform, createAccount: (account) => createAccounts(platform.connection).createAccount(account) });
}
