import { createVision } from '../../../subgraphs/vision/index.ts';
import { readCommand } from '../../support/command.ts';
import { accuracy } from './accuracy.ts';
import { cost } from './cost.ts';
import { say } from './figures.ts';
import { hair } from './hair.ts';
import { headshots } from './headshots.ts';
import { invariance } from './invariance.ts';
import { load } from './load.ts';
import { looks } from './looks.ts';
import { readPortraits } from './portraits.ts';
import { sheet } from './sheet.ts';

/** Every figure of the pictures: `npm run bench:vision`, or `npm run bench:vision -- accuracy cost` for some of its parts. */
async function run(): Promise<void> {
  const names = ['accuracy', 'invariance', 'cost', 'load', 'hair', 'headshots', 'looks', 'sheet'] as const;
  const { positionals: parts } = readCommand({ usage: `npm run bench:vision -- [${names.join('] [')}]`, options: {}, names });
  const portraits = await readPortraits();
  say(`${portraits.length} portraits, ${portraits.some(({ lab }) => lab) ? 'labelled' : 'without labels'}`);
  const measures: Record<(typeof names)[number], () => Promise<void>> = {
    accuracy: () => withVision((vision) => accuracy(vision, portraits)),
    invariance: () => withVision((vision) => invariance(vision, portraits)),
    cost: () => cost(portraits),
    load: () => load(portraits),
    hair: () => hair(portraits),
    headshots: () => withVision((vision) => headshots(vision, portraits)),
    looks: () => withVision((vision) => looks(vision, portraits)),
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

await run();
