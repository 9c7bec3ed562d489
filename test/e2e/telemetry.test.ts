/** One trace from the caller's request through the engine to the webhook, in a whole service. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../fixture/folders.ts';
import { HAS_PROC } from '../fixture/processes.ts';
import { Served } from '../fixture/served.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';
import { openReceiver } from '../http/webhooks/receiver.ts';
import { openOtlpReceiver, type ReceivedSpan } from '../lib/telemetry/receiver.ts';

const world = await tinyWorld();
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CALLER = 'b7ad6b7169203331';

it.runIf(HAS_PROC)('a service records one trace from the request to the webhook', { timeout: 120_000 }, async () => {
  const collector = await openOtlpReceiver();
  const receiver = await openReceiver();
  try {
    const served = await Served.start({
      ...world,
      dataDir: join(temporaryFolder(), 'data'),
      env: {
        METAHEAC_OTLP_ENDPOINT: collector.url,
        OTEL_METRIC_EXPORT_INTERVAL: '250',
        OTEL_BSP_SCHEDULE_DELAY: '50',
        METAHEAC_WEBHOOK_ALLOWED_HOSTS: '127.0.0.1',
        METAHEAC_LOG_LEVEL: 'debug',
      },
    });
    await served.call('POST', '/v1/webhooks', { url: receiver.url });
    const body = { name: 'traced', audience: { size: 100 }, ...world.campaigns[0]! };
    const created = await served.call('POST', '/v1/campaigns', body, { traceparent: `00-${TRACE}-${CALLER}-01` });
    expect(created.status).toBe(202);
    await served.until(() => receiver.received.length === 1, 'told of the audience');
    const inTrace = () => collector.spans.filter(({ traceId }) => traceId === TRACE);
    await served.until(() => inTrace().some(({ name }) => name.startsWith('webhook')), 'exported the last span');
    await served.until(() => inTrace().length === 8, 'exported all spans');

    const named = (name: string): ReceivedSpan => inTrace().find((span) => span.name === name)!;
    const request = named('POST /v1/campaigns');
    const expansion = named('expansion');
    const webhook = named('webhook campaign.ready');
    expect(request).toMatchObject({ process: 'api', parentSpanId: CALLER });
    expect(named('queued')).toMatchObject({ process: 'engine', parentSpanId: request.spanId });
    expect(expansion).toMatchObject({ process: 'engine', parentSpanId: request.spanId });
    for (const stage of ['finding', 'adapting', 'scoring', 'ranking'])
      expect(named(stage), stage).toMatchObject({ process: 'engine', parentSpanId: expansion.spanId });
    expect(webhook).toMatchObject({ process: 'api', parentSpanId: expansion.spanId });
    expect(receiver.received[0]!.headers['traceparent']).toBe(`00-${TRACE}-${webhook.spanId}-01`);

    const { id } = created.json;
    const lines = served.log.split('\n').filter((line) => line.includes(TRACE));
    const logged = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(logged).toContainEqual(expect.objectContaining({ msg: 'request', trace_id: TRACE, route: '/v1/campaigns' }));
    expect(logged).toContainEqual(expect.objectContaining({ stage: 'scoring', trace_id: TRACE, campaign: id }));
    expect(logged).toContainEqual(
      expect.objectContaining({ msg: 'webhook', trace_id: TRACE, campaign: id, expansion: expect.any(String) }),
    );

    await served.until(() => collector.metrics.has('metaheac_users_scored_total'), 'exported metrics');
    expect([...collector.metrics.keys()]).toEqual(
      expect.arrayContaining(['metaheac_info', 'http_request_duration_seconds']),
    );
    const scored = /^metaheac_users_scored_total (\d+)/m;
    await served.until(async () => Number(scored.exec((await served.call('GET', '/metrics')).text)?.[1]) > 0, 'scored');
    // health checks are no traces
    expect(collector.spans.map(({ name }) => name)).not.toContain('GET /readyz');
  } finally {
    await receiver.close();
    await collector.close();
  }
});
