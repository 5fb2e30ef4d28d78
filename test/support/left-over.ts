import { after } from 'node:test';

/**
 * Loaded before every test file. Whatever a test leaves open (a socket, a connection, a process) would keep its file running for ever:
 * such a file fails instead, and says what was left.
 */
const graceMs = 30_000;
/** The longest file takes two minutes on a loaded machine. */
const wholeMs = 600_000;

if (process.env['NODE_TEST_CONTEXT'] !== undefined) {
  setTimeout(() => fail(`still running after ${wholeMs} ms`), wholeMs).unref();
  after(() => void setTimeout(() => fail('left over after the last test'), graceMs).unref());
}

function fail(why: string): never {
  process.stderr.write(`${process.argv[1] ?? ''}: ${why}: ${process.getActiveResourcesInfo().join(', ')}\n`);
  process.exit(1);
}
