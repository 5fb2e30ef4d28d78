import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import { Timings } from './timings.ts';

/** What one process counts and measures, for `/metrics`. Every label has a closed set of values: none comes from a client. */
export type Metrics = ReturnType<typeof createMetrics>;

const requestSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const jobSeconds = [0.01, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900];
const imageSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export function createMetrics() {
  const registry = new Registry();
  const histogram = <Label extends string>(name: string, help: string, labels: readonly Label[], bounds: readonly number[]) => new Timings(registry, { name: `lookgraph_${name}`, help, labels, bounds });
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Counter({ name: `lookgraph_${name}`, help, labelNames: [...labelNames], registers: [registry] });
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Gauge({ name: `lookgraph_${name}`, help, labelNames: [...labelNames], registers: [registry] });
  return {
    registry,
    requests: histogram('http_request_seconds', 'HTTP requests, by the pattern of their route; streams until they end.', ['route', 'method', 'status'], requestSeconds),
    operations: histogram('operation_seconds', 'Operations of the graph, by every door; of a subscription until it has begun.', ['kind', 'outcome'], requestSeconds),
    plans: histogram('plan_seconds', 'Query plans that were made; an operation whose plan is known needs none.', ['outcome'], requestSeconds),
    fetches: histogram('subgraph_fetch_seconds', 'Calls of subgraphs that plans make.', ['subgraph', 'kind', 'outcome'], requestSeconds),
    served: histogram('subgraph_request_seconds', 'Operations that this process answers as a subgraph of its own address.', ['subgraph', 'outcome'], requestSeconds),
    subscriptions: gauge('subscriptions_open', 'Subscriptions of clients that are open in this process.', []),
    subscriptionEvents: counter('subscription_events_total', 'Events that were sent to subscriptions.', []),
    jobs: histogram('job_seconds', 'Attempts of jobs.', ['queue', 'outcome'], jobSeconds),
    jobsRunning: gauge('jobs_running', 'Jobs that this process runs.', ['queue']),
    queueJobs: gauge('queue_jobs', 'Jobs in the database, the same for all processes on it. Ready: could run now; delayed: wait for their time.', ['queue', 'state']),
    queueAge: gauge('queue_oldest_seconds', 'How long the oldest job that could run has waited.', ['queue']),
    databaseUp: gauge('database_up', 'Whether the database told about the queues: 0 or 1.', []),
    webhooks: histogram('webhook_seconds', 'Tries to deliver a webhook.', ['source', 'outcome'], requestSeconds),
    images: histogram('image_seconds', 'Work of the vision engine on one picture, waiting for a thread included.', ['task', 'outcome'], imageSeconds),
    imageStages: histogram('image_stage_seconds', 'Stages of drawing one picture.', ['task', 'stage'], imageSeconds),
    /** A value that is asked for when somebody looks. */
    watch(name: string, help: string, read: () => number): void {
      const watched: Gauge = new Gauge({ name: `lookgraph_${name}`, help, registers: [], collect: () => watched.set(read()) });
      registry.registerMetric(watched);
    },
    /** Memory, CPU, garbage collection, delay of the event loop: where somebody looks, for it costs a little all the time. */
    watchProcess: () => collectDefaultMetrics({ register: registry }),
  };
}


/** Seconds since a moment of `performance.now()`. */
export const secondsSince = (startedAt: number): number => (performance.now() - startedAt) / 1000;
