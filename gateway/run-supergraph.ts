import { access, constants } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import closeWithGrace from 'close-with-grace';
import { pino } from 'pino';
import { serveSupergraph } from './supergraph-server.ts';

const usage = `npm start -- --supergraph FILE [--port 4000] [--host 127.0.0.1] [--forward HEADER]... [--streams sse|ws] [--no-join] [--join-queries] [--max-cost N] [--trusted FOLDER [--trusted-only]] [--batch N]
  --forward  a header of the client that goes on to every subgraph
  --streams  how subscriptions are opened at subgraphs
  --no-join  asks a subgraph again although an identical query is under way
  --join-queries  identical queries of clients with equal forwarded headers that are under way share one answer
  --max-cost  refuses operations whose lists can hold more objects: by @cost, @listSize, first, last, limit, else 10 a list
  --trusted  a folder of documents that clients may ask for by id; with --trusted-only nothing else is executed
  --batch    how many operations one request may have`;

/** Serves a supergraph file over the subgraphs at the addresses in it, and follows its changes. */
export async function runSupergraph(args: readonly string[]): Promise<void> {
  if (args.includes('--help') || args.includes('-h')) return void process.stdout.write(`npm start\n  Everything in one process; its variables are in the README.\n${usage}\n`);
  const log = pino({ level: process.env['LOG_LEVEL'] ?? 'warn' });
  try {
    const { file, ...options } = readArguments(args);
    await checkFile(file);
    const server = await serveSupergraph({ file, ...options, log });
    closeWithGrace({ delay: 20_000, logger: log }, async () => server.stop());
    process.stdout.write(`The graph of ${file} is at ${server.url}\n`);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
}

/** @throws Error in words for an operator. */
async function checkFile(file: string): Promise<void> {
  await access(file, constants.R_OK).catch((error: NodeJS.ErrnoException) => {
    throw new Error(`The supergraph ${file} ${error.code === 'ENOENT' ? 'is not there' : 'cannot be read'}.`, { cause: error });
  });
}

function readArguments(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const options = { supergraph: text, port: text, host: text, forward: { ...text, multiple: true }, streams: text, trusted: text, batch: text, 'no-join': flag, 'join-queries': flag, 'max-cost': text, 'trusted-only': flag } as const;
  const { values } = parse(() => parseArgs({ args: [...args], options }));
  const { supergraph: file, port = '4000', host = '127.0.0.1', forward = [], streams = 'sse', 'max-cost': maxCost = '', trusted = null, batch = '0' } = values;
  const isPort = /^\d{1,5}$/.test(port) && Number(port) < 65_536;
  const trustedOnly = values['trusted-only'] === true;
  if (!file || !isPort || streams !== 'sse' && streams !== 'ws' || !/^\d{0,15}$/.test(maxCost) || !/^\d{1,3}$/.test(batch) || trustedOnly && trusted === null) throw new Error(usage);
  const remote = { streams, joined: values['no-join'] !== true } as const;
  return {
    file, port: Number(port), host, forward: forward.map((name) => name.toLowerCase()), remote, joinQueries: values['join-queries'] === true, ...maxCost !== '' && { maxCost: Number(maxCost) },
    operations: { trustedDocuments: trusted, trustedOnly, batchLimit: Number(batch) },
  };
}

function parse<Values>(read: () => Values): Values {
  try {
    return read();
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${usage}`, { cause: error });
  }
}
