import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Logger } from 'pino';
import { Failure } from '../schema/failures.ts';
import { makeFolder } from '../subgraphs/folders.ts';
import { type Operator, parseOperatorCommand } from '../subgraphs/operator.ts';

/** What a command says: lines for a person, or why it was not done. */
export type OperatorAnswer = { lines: readonly string[] } | { refused: string };

const mostCharacters = 10_000;

/** Where the process that owns a data folder listens for its operator. Names of sockets have at most about 100 bytes. */
function socketOf(dataDir: string): string {
  const name = createHash('sha256').update(dataDir).digest('hex').slice(0, 16);
  if (process.platform === 'win32') return `\\\\.\\pipe\\lookgraph-${name}`;
  const inside = join(dataDir, 'operator.sock');
  return Buffer.byteLength(inside) < 100 ? inside : join(tmpdir(), `lookgraph-${name}.sock`);
}

/** Runs the commands that are sent to this folder's socket, which only the user who runs the server can open. Call the result to stop. */
export async function serveOperator(dataDir: string, operator: Operator, log: Logger): Promise<() => Promise<void>> {
  const path = socketOf(dataDir);
  const server = createServer({ allowHalfOpen: true }, (socket) => void answer(socket, operator, log).catch((error: unknown) => log.warn({ err: error }, 'an operator was not answered')));
  if (process.platform !== 'win32') {
    makeFolder(dataDir);
    // Who was killed leaves it behind; nobody else owns this folder now.
    rmSync(path, { force: true });
  }
  const mask = process.umask(0o177);
  server.listen(path);
  process.umask(mask);
  await once(server, 'listening');
  return async () => {
    server.close();
    await once(server, 'close');
  };
}

async function answer(socket: Socket, operator: Operator, log: Logger): Promise<void> {
  const given = await text(socket);
  const sent: unknown = given.length > mostCharacters ? null : JSON.parse(given);
  const words = Array.isArray(sent) ? sent.map(String) : [];
  // What is restored would be mixed with what this process does meanwhile.
  if (words[0] === 'restore') return void socket.end(JSON.stringify({ refused: 'A server runs over this folder: stop it, and restore then.' } satisfies OperatorAnswer));
  socket.end(JSON.stringify(await runCommand(operator, words, log)));
}

/** Does a command; a fault is logged where it happens and told as such. */
export async function runCommand(operator: Operator, words: readonly string[], log: Logger): Promise<OperatorAnswer> {
  try {
    const { command, options } = parseOperatorCommand(words);
    return { lines: await operator[command](options) };
  } catch (error) {
    if (error instanceof Failure) return { refused: error.message };
    log.error({ err: error }, 'fault in an operator command');
    return { refused: 'Something went wrong; the log says what.' };
  }
}

/** Has the server that owns the folder do a command. Null: none is running. */
export async function askServer(dataDir: string, words: readonly string[]): Promise<OperatorAnswer | null> {
  const socket = connect(socketOf(dataDir));
  try {
    await once(socket, 'connect');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ECONNREFUSED')) return null;
    throw error;
  }
  socket.end(JSON.stringify(words));
  return JSON.parse(await text(socket)) as OperatorAnswer;
}
