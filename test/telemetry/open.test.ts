/** Spans as they are exported, and what happens when nobody takes them. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { createLogger } from '../../src/lib/logging.ts';
import type { Telemetry } from '../../src/lib/tracing.ts';
import { openTelemetry } from '../../src/telemetry/open.ts';
import { type OtlpReceiver, openOtlpReceiver } from './receiver.ts';

const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

let receiver: OtlpReceiver;
let telemetry: Telemetry;
beforeEach(async () => {
  receiver = await openOtlpReceiver();
  const logger = createLogger('silent', 'test');
  telemetry = openTelemetry({ endpoint: `${receiver.url}/`, process: 'api', clock: systemClock, logger });
});
afterEach(() => receiver.close());

it('sends a span with its parent, its kind and its attributes, and an error as one', async () => {
  const span = telemetry.start({
    ...{ name: 'GET /v1/x', kind: 'server', parent: PARENT },
    attributes: { text: 'a', whole: 2, part: 0.5, is: true, none: null },
  });
  span.end({ error: 'storage_failed' });
  span.end();
  await telemetry.close();
  expect(receiver.spans).toEqual([
    {
      process: 'api',
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: span.traceparent.slice(36, 52),
      parentSpanId: 'b7ad6b7169203331',
      name: 'GET /v1/x',
      kind: 2,
      startTimeUnixNano: expect.stringMatching(/^\d{19}$/),
      endTimeUnixNano: expect.stringMatching(/^\d{19}$/),
      attributes: [
        { key: 'text', value: { stringValue: 'a' } },
        { key: 'whole', value: { intValue: '2' } },
        { key: 'part', value: { doubleValue: 0.5 } },
        { key: 'is', value: { boolValue: true } },
      ],
      status: { code: 2, message: 'storage_failed' },
    },
  ]);
});

it('begins a trace where the parent is none', async () => {
  for (const parent of [undefined, null, 'x', PARENT.replace('00-', 'ff-'), `00-${'0'.repeat(32)}-b7ad6b7169203331-01`])
    telemetry.start({ name: 'a', kind: 'internal', ...(parent === undefined ? {} : { parent }) }).end();
  await telemetry.close();
  expect(receiver.spans.map(({ parentSpanId }) => parentSpanId)).toEqual(Array(5).fill(undefined));
  expect(new Set(receiver.spans.map(({ traceId }) => traceId)).size).toBe(5);
});

it('knows the running span through what is awaited', async () => {
  const span = telemetry.start({ name: 'a', kind: 'internal' });
  const seen = telemetry.within(span, async () => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    return telemetry.current();
  });
  expect(telemetry.current()).toBeNull();
  expect(await seen).toBe(span.traceparent);
  await telemetry.close();
});

it('drops what a receiver refuses, and closes although none is there', async () => {
  receiver.status = 503;
  telemetry.start({ name: 'a', kind: 'internal' }).end();
  await telemetry.close();
  expect([receiver.messages, receiver.spans]).toEqual([1, []]);
  await receiver.close();
  telemetry.start({ name: 'b', kind: 'internal' }).end();
  await telemetry.close();
});
