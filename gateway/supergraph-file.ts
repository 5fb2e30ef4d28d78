import { readFile } from 'node:fs/promises';
import { unwatchFile, watchFile } from 'node:fs';
import type { Logger } from 'pino';
import type { Graph } from './graphql.ts';

/** A graph that follows a file. */
export type FollowedGraph = {
  /** The newest graph that could be built; ask again for every operation. */
  current(): Graph;
  stop(): Promise<void>;
};

/** File systems of containers and networks do not tell of changes; looking costs nothing. */
const lookEveryMs = 500;

/**
 * Builds a graph from a supergraph file and again whenever the file changes. What is under way stays with the graph that it began on, streams
 * included; a file that gives no graph is refused with a log line and changes nothing. Rejects when the first one gives none.
 */
export async function followSupergraph(file: string, build: (supergraphSdl: string) => Promise<Graph>, log: Logger): Promise<FollowedGraph> {
  let text = await readFile(file, 'utf8');
  let graph = await build(text);
  let last: Promise<void> = Promise.resolve();
  let isStopped = false;
  const take = async (): Promise<void> => {
    try {
      const next = await readFile(file, 'utf8');
      if (next === text || isStopped) return;
      const built = await build(next);
      text = next;
      // The old one is not stopped: its operations and streams go on, and its idle connections close by themselves.
      graph = built;
      log.info({ file }, 'the changed supergraph is in use');
    } catch (error) {
      log.error({ err: error, file }, 'the changed supergraph is refused; the old one stays in use');
    }
  };
  const look = (): void => void (last = last.then(take));
  watchFile(file, { interval: lookEveryMs }, look);
  return {
    current: () => graph,
    async stop() {
      isStopped = true;
      unwatchFile(file, look);
      await last;
      await graph.stop();
    },
  };
}
