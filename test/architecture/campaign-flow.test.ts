/** The flow of docs/architecture.md: a campaign runs every file that the page names, in the order of the page. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { HAS_PROC } from '../fixture/processes.ts';
import { ROOT, Served } from '../fixture/served.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';
import { openReceiver } from '../http/webhooks/receiver.ts';
import { openOtlpReceiver, type ReceivedSpan } from '../lib/telemetry/receiver.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';

/** Threads that are terminated report nothing at their end, so they report every half second. */
const REPORTING = `import { takeCoverage } from 'node:v8'; import { isMainThread } from 'node:worker_threads';
  if (!isMainThread) setInterval(takeCoverage, 500).unref();`;

/** A file in a coverage report of V8. */
interface Script {
  readonly url: string;
  readonly functions: readonly { readonly functionName: string; readonly ranges: readonly { count: number }[] }[];
}

it.runIf(HAS_PROC)('a campaign runs the files of the page, in its order', { timeout: 120_000 }, async () => {
  const page = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8');
  const steps = page.slice(page.indexOf('\n1. **'), page.indexOf('\n\n', page.indexOf('\n10. **')));
  const files = [...steps.matchAll(/\]\(\.\.\/((?:src|packages)\/\S+\.ts)\)/g)].map(([, path]) => path!);
  const order = [...steps.matchAll(/span\s+`([^`]+)`/g)].map(([, name]) => name!);

  const { ran, spans } = await runCampaign();
  expect(files.filter((path) => !ran.has(path))).toEqual([]);
  expect(spans.map(({ name }) => name).sort()).toEqual(['expansion', 'queued', ...order].sort());
  const time = new Map(spans.map((span) => [span.name, timeOf(span)]));
  expect(order.toSorted((a, b) => time.get(a)! - time.get(b)!)).toEqual(order);
});

/**
 * The response to the request is sent while the engine is working, so the order of requests is that of their starts.
 */
function timeOf({ name, startTimeUnixNano, endTimeUnixNano }: ReceivedSpan): number {
  return Number(name.startsWith('POST') ? startTimeUnixNano : endTimeUnixNano) / 1e6;
}

/** Runs a campaign in a service from the sources. Returns the files with a function that ran, and the trace. */
async function runCampaign(): Promise<{ readonly ran: ReadonlySet<string>; readonly spans: readonly ReceivedSpan[] }> {
  const world = await tinyWorld();
  const reports = temporaryFolder();
  const collector = await openOtlpReceiver();
  const webhook = await openReceiver();
  try {
    const served = await Served.start({
      ...world,
      dataDir: join(temporaryFolder(), 'data'),
      isThroughNpm: true,
      env: {
        NODE_V8_COVERAGE: reports,
        NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(REPORTING)}`,
        METAHEAC_OTLP_ENDPOINT: collector.url,
        OTEL_BSP_SCHEDULE_DELAY: '50',
        METAHEAC_WEBHOOK_ALLOWED_HOSTS: '127.0.0.1',
      },
    });
    await served.call('POST', '/v1/webhooks', { url: webhook.url });
    const body = { name: 'traced', audience: { size: 100 }, ...world.campaigns[0]! };
    const { json } = await served.call('POST', '/v1/campaigns', body, {
      traceparent: `00-${TRACE}-b7ad6b7169203331-01`,
    });
    await served.until(() => webhook.received.length === 1, 'sent the webhook');
    const endedAt = systemClock.now();
    const audience = (await served.call('GET', `/v1/campaigns/${json.id}/audience?limit=1`)).json;
    await served.call('GET', `/v1/campaigns/${json.id}/audience/members/${audience.items[0].user_id}`);
    const spans = () => collector.spans.filter(({ traceId }) => traceId === TRACE);
    await served.until(() => spans().some(({ name }) => name.startsWith('webhook')), 'exported the last span');
    const { engine } = served;
    const isReported = (name: string) =>
      name.startsWith(`coverage-${engine}-`) && statSync(join(reports, name)).mtimeMs > endedAt;
    await served.until(() => readdirSync(reports).some(isReported), 'reported the functions of its threads');
    process.kill(served.api, 'SIGTERM');
    await served.exited();
    return { ran: ranIn(reports), spans: spans() };
  } finally {
    await webhook.close();
    await collector.close();
  }
}

/** The files of the repository with a function that ran, in the reports of a service's processes and threads. */
function ranIn(reports: string): Set<string> {
  const root = pathToFileURL(ROOT).href;
  const ran = new Set<string>();
  for (const name of readdirSync(reports)) {
    const { result } = JSON.parse(readFileSync(join(reports, name), 'utf8')) as { readonly result: readonly Script[] };
    // a module itself has no name, and initialisers of classes begin with `<`
    for (const { url, functions } of result)
      if (
        url.startsWith(root) &&
        functions.some(({ functionName, ranges }) => /^\w/.test(functionName) && ranges[0]!.count > 0)
      )
        ran.add(url.slice(root.length));
  }
  return ran;
}
