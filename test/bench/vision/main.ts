import { createVision } from '../../../subgraphs/vision/index.ts';
import { accuracy } from './accuracy.ts';
import { cost } from './cost.ts';
import { say } from './figures.ts';
import { hair } from './hair.ts';
import { headshots } from './headshots.ts';
import { invariance } from './invariance.ts';
import { load } from './load.ts';
import { readPortraits } from './portraits.ts';
import { sheet } from './sheet.ts';

/** Every figure of the pictures: `npm run bench:vision`, or `npm run bench:vision -- accuracy cost` for some of its parts. */
export async function run(parts: readonly string[] = []): Promise<void> {
  const portraits = await readPortraits();
  say(`${portraits.length} portraits, ${portraits.some(({ lab }) => lab) ? 'labelled' : 'without labels'}`);
  const measures: Record<string, () => Promise<void>> = {
    accuracy: () => withVision((vision) => accuracy(vision, portraits)),
    invariance: () => withVision((vision) => invariance(vision, portraits)),
    cost: () => cost(portraits),
    load: () => load(portraits),
    hair: () => hair(portraits),
    headshots: () => withVision((vision) => headshots(vision, portraits)),
    sheet: () => withVision((vision) => sheet(vision, portraits)),
  };
  for (const [name, measure] of Object.entries(measures)) {
    if (parts.length > 0 && !parts.includes(name)) continue;
    say(`\n${name}`);
    await measure();
  }
}

async function withVision(work: (vision: ReturnType<typeof createVision>) => Promise<void>): Promise<void> {
  const vision = createVision({ workers: 2 });
  try {
    await work(vision);
  } finally {
    await vision.close();
  }
}

if (import.meta.main) await run(process.argv.slice(2));
