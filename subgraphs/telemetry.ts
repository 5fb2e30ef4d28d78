import { hostname } from 'node:os';
import { type Context, ROOT_CONTEXT, SpanKind as Kind, SpanStatusCode, trace as api } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, ParentBasedSampler, TraceIdRatioBasedSampler, TracerProvider } from '@opentelemetry/sdk-trace';
import type { SpanKind, Trace, Tracer } from './traces.ts';

const kinds: Record<SpanKind, Kind> = { server: Kind.SERVER, client: Kind.CLIENT, consumer: Kind.CONSUMER, internal: Kind.INTERNAL };

/** Records spans and sends them to a collector by OTLP over HTTP. Loaded only where one is named: it costs CPU with every span. */
export function openTracer({ endpoint, sampled }: { endpoint: string; sampled: number }): Tracer {
  const exporter = new OTLPTraceExporter({ url: `${endpoint}/v1/traces`, timeoutMillis: 5_000 });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': process.env['OTEL_SERVICE_NAME'] ?? 'lookgraph', 'service.instance.id': `${hostname()}:${process.pid}` }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(sampled) }),
    spanProcessors: [new BatchSpanProcessor({ exporter, scheduledDelayMillis: 1_000 })],
  });
  const tracer = provider.getTracer('lookgraph');
  return {
    start(name, { kind, parent, attributes }) {
      const span = tracer.startSpan(name, { kind: kinds[kind], ...attributes && { attributes } }, parent === null ? ROOT_CONTEXT : contextOf(parent));
      const { traceId, spanId, traceFlags } = span.spanContext();
      return {
        trace: `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}` as Trace,
        end({ failed = false, attributes: more } = {}) {
          if (more) span.setAttributes(more);
          if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
          span.end();
        },
      };
    },
    // A collector that is gone must not keep the process from ending.
    close: () => provider.shutdown().catch(() => undefined),
  };
}

function contextOf(parent: Trace): Context {
  const [, traceId = '', spanId = '', flags = '00'] = parent.split('-');
  return api.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true });
}
