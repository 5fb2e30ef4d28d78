import closeWithGrace from 'close-with-grace';
import { parseEnvironment } from '../subgraphs/env.ts';
import { startFault } from '../subgraphs/start-fault.ts';
import { type Demo, seedDemo } from './demo-data.ts';
import { type Lookgraph, startLookgraph } from './start.ts';

/** Process managers kill after ten seconds or more. */
const stopWithinMs = 10_000;

/** Starts from the environment of the process, says where it is, and stops on signals. Every wrong variable is told at once. */
export async function run(): Promise<void> {
  const startedAt = performance.now();
  try {
    const env = parseEnvironment(process.env);
    let demo: Demo | null = null;
    const lookgraph = await startLookgraph(env, env.mode === 'production' ? {} : {
      // Who waits for /readyz reads the demo's file then.
      prepare: async (platform) => {
        demo = await seedDemo(platform);
      },
    });
    closeWithGrace({ delay: env.stopDelayMs + stopWithinMs, logger: lookgraph.platform.log }, async () => lookgraph.stop());
    process.stdout.write(bannerOf(lookgraph, demo, performance.now() - startedAt));
  } catch (error) {
    process.stderr.write(`${startFault(error)}\n`);
    process.exit(1);
  }
}

function bannerOf({ platform: { env, connection } }: Lookgraph, demo: Demo | null, tookMs: number): string {
  const url = env.publicUrl;
  const database = connection.kind === 'pglite' ? `embedded, in ${env.dataDir}` : 'PostgreSQL';
  const lines = [
    `Lookgraph is ready after ${(tookMs / 1000).toFixed(1)} s. Database: ${database}.`,
    '',
    `  Try it      ${url}/`,
    `  GraphQL     ${url}/graphql  (queries by POST and GET, subscriptions over WebSocket, server-sent events and multipart)`,
    `  REST        ${url}/api/v1/styles, /colors, /generation/hairstyle, /generation/{id}`,
    // Without mail nobody can.
    ...env.smtpUrl === null && env.mode === 'production' ? [] : [`  Sign in     ${url}/login${env.smtpUrl === null ? `  (the mail is at ${url}/outbox)` : ''}`],
    ...demo ? demoLines(url, demo) : [],
  ];
  return `${lines.join('\n')}\n\n`;
}

function demoLines(url: string, demo: Demo): string[] {
  const body = JSON.stringify({ mode: 'live', gender: 'person', styles: ['817941'], hair_colour: 'brown', image_url: demo.photo });
  return [
    '',
    `  personal key       ${demo.personalKey}`,
    `  enterprise key     ${demo.enterprise.key}  (${demo.enterprise.slug})`,
    `  partner key        ${demo.partnerKey}`,
    `  organization key   ${demo.organizationKey}`,
    '',
    '  Your first picture, and where it is when it is drawn (with the id of the first answer):',
    `  curl -s ${url}/api/v1/generation/hairstyle -H 'x-api-key: ${demo.personalKey}' -H 'content-type: application/json' -d '${body}'`,
    `  curl -s ${url}/api/v1/generation/JOB_ID -H 'x-api-key: ${demo.personalKey}' -H 'prefer: wait=25'`,
  ];
}
