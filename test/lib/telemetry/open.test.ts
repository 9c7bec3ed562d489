/** Exported spans, and receivers that do not accept them. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { createLogger, type Logger } from '../../../src/lib/logging.ts';
import { openTelemetry } from '../../../src/lib/telemetry/open.ts';
import type { Telemetry } from '../../../src/lib/tracing.ts';
import { type OtlpReceiver, openOtlpReceiver } from './receiver.ts';
import { settingsOf } from './settings.ts';

const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

let receiver: OtlpReceiver;
let telemetry: Telemetry;
beforeEach(async () => {
  receiver = await openOtlpReceiver();
  telemetry = open();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await receiver.close();
});

/** Telemetry of an API process; `variables` are those of OpenTelemetry. */
function open(
  variables: Readonly<Record<string, string>> = {},
  { clock = systemClock, logger = createLogger('silent', 'test'), endpoint = `${receiver.url}/` } = {},
): Telemetry {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  return openTelemetry({ settings: settingsOf(endpoint, variables), process: 'api', clock, logger });
}

it('sends a span with its parent, its kind and its attributes, and an error as one', async () => {
  const span = telemetry.start({
    name: 'GET /v1/x',
    kind: 'server',
    parent: PARENT,
    attributes: { text: 'a', whole: 2, part: 0.5, is: true, none: null },
  });
  span.end({ error: 'storage_failed' });
  span.end();
  await telemetry.close();
  expect(receiver.spans).toEqual([
    {
      process: 'api',
      flags: 0x301,
      events: [],
      links: [],
      droppedAttributesCount: 0,
      droppedEventsCount: 0,
      droppedLinksCount: 0,
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: span.traceparent.slice(36, 52),
      parentSpanId: 'b7ad6b7169203331',
      name: 'GET /v1/x',
      kind: 2,
      startTimeUnixNano: expect.stringMatching(/^\d{19}$/),
      endTimeUnixNano: expect.stringMatching(/^\d{19}$/),
      attributes: [
        { key: 'text', value: { stringValue: 'a' } },
        { key: 'whole', value: { intValue: 2 } },
        { key: 'part', value: { doubleValue: 0.5 } },
        { key: 'is', value: { boolValue: true } },
      ],
      status: { code: 2, message: 'storage_failed' },
    },
  ]);
});

it('begins a trace if the parent is not a traceparent', async () => {
  for (const parent of [undefined, null, 'x', PARENT.replace('00-', 'ff-'), `00-${'0'.repeat(32)}-b7ad6b7169203331-01`])
    telemetry.start({ name: 'a', kind: 'internal', ...(parent === undefined ? {} : { parent }) }).end();
  await telemetry.close();
  expect(receiver.spans.map(({ parentSpanId }) => parentSpanId)).toEqual(Array(5).fill(undefined));
  expect(new Set(receiver.spans.map(({ traceId }) => traceId)).size).toBe(5);
});

it('knows the running span across awaits', async () => {
  const span = telemetry.start({ name: 'a', kind: 'internal' });
  const seen = telemetry.within(span, async () => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    return telemetry.current();
  });
  expect(telemetry.current()).toBeNull();
  expect(await seen).toBe(span.traceparent);
  await telemetry.close();
});

it('has the times of its clock, and ends now if it is reported afterwards', async () => {
  let elapsed = 0;
  const clock = { now: () => 5_000.25 + elapsed, elapsed: () => elapsed };
  const timed = open({}, { clock });
  const span = timed.start({ name: 'now', kind: 'internal' });
  const told = timed.start({ name: 'told', kind: 'internal', at: 4_000 });
  elapsed = 100;
  span.end();
  told.end();
  await timed.close();
  expect(receiver.spans.map(({ startTimeUnixNano, endTimeUnixNano }) => [startTimeUnixNano, endTimeUnixNano])).toEqual([
    ['5000250000', '5100250000'],
    ['4000000000', '5100250000'],
  ]);
});

describe('a receiver', () => {
  it('that is gone costs a second at the end, and a warning', async () => {
    await receiver.close();
    const start = systemClock.elapsed();
    telemetry.start({ name: 'a', kind: 'internal' }).end();
    await telemetry.close();
    expect(systemClock.elapsed() - start).toBeLessThan(1_500);
    const { logger, lines } = recorded();
    const gone = open({ OTEL_EXPORTER_OTLP_TIMEOUT: '100' }, { logger });
    gone.start({ name: 'b', kind: 'internal' }).end();
    await gone.close();
    expect(lines).toEqual([
      expect.objectContaining({ signal: 'traces', batches: 1, reason: expect.stringContaining('ECONNREFUSED') }),
    ]);
  });

  it('gets headers from the environment, which no log line repeats', async () => {
    receiver.status = 401;
    const { logger, lines } = recorded();
    const keyed = open({ OTEL_EXPORTER_OTLP_HEADERS: 'x-receiver-key=tops3cret' }, { logger });
    const end = keyed.exportMetrics(async () => [
      { name: 'a', help: '', type: 'gauge', values: [{ labels: {}, value: 1 }] },
    ]);
    keyed.start({ name: 'a', kind: 'internal' }).end();
    await end();
    await keyed.close();
    expect(receiver.headers['x-receiver-key']).toBe('tops3cret');
    expect(lines).toEqual([expect.objectContaining({ signal: 'metrics', batches: 1, reason: 'status 401' })]);
    expect(JSON.stringify(lines)).not.toContain('tops3cret');
  });

  it('that is slow costs a bounded queue', async () => {
    const few = open({
      OTEL_BSP_MAX_QUEUE_SIZE: '10',
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '4',
      OTEL_BSP_SCHEDULE_DELAY: '60000',
    });
    for (let i = 0; i < 50; i++) few.start({ name: String(i), kind: 'internal' }).end();
    await few.close();
    // four are being sent while ten wait
    expect(receiver.spans).toHaveLength(14);
    expect(receiver.messages).toBe(4);
  });
});

describe('OpenTelemetry variables', () => {
  it('name the service and describe it', async () => {
    const named = open({
      OTEL_SERVICE_NAME: 'lookalikes',
      OTEL_RESOURCE_ATTRIBUTES: 'service.name=x,deployment.environment=eu',
    });
    named.start({ name: 'a', kind: 'internal' }).end();
    await named.close();
    expect(receiver.resource).toMatchObject({
      'service.name': 'lookalikes',
      'deployment.environment': 'eu',
      'metaheac.process': 'api',
      'service.instance.id': expect.stringMatching(/^api-/),
    });
  });

  it.each([
    [{ OTEL_TRACES_SAMPLER: 'always_off' }, [0, 0, 0]],
    [{ OTEL_TRACES_SAMPLER: 'always_on' }, [1, 1, 1]],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, [0, 1, 0]],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' }, [0, 1, 0]],
    [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '1' }, [1, 1, 1]],
    [{}, [1, 1, 0]],
  ])('sample: %o', async (variables, flags) => {
    const sampling = open(variables);
    const spans = [null, PARENT, PARENT.replace(/01$/, '00')].map((parent) => {
      const span = sampling.start({ name: 'a', kind: 'internal', parent });
      span.end();
      return span;
    });
    await sampling.close();
    // a span that causes others says whether it is recorded
    expect(spans.map(({ traceparent }) => Number(traceparent.slice(-2)))).toEqual(flags);
    expect(receiver.spans).toHaveLength(flags.filter((one) => one === 1).length);
  });
});

/** A logger that collects its warnings. */
function recorded(): { logger: Logger; lines: object[] } {
  const lines: object[] = [];
  const logger = createLogger('silent', 'test');
  logger.warn = (line: object) => void lines.push(line);
  return { logger, lines };
}
