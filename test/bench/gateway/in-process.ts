import { pino } from 'pino';
import { serveGraph } from '../../../gateway/graph-server.ts';
import { localShop } from './shop.ts';

/** The shop with its subgraphs in the gateway's own process, at the port that is given. */
const { graph } = await localShop();
await serveGraph({ current: () => graph, contextOf: () => ({ caller: null, requestId: '' }), port: Number(process.argv[2]), host: '127.0.0.1', log: pino({ level: 'error' }) });
