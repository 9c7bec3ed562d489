/** A receiver of OTLP over HTTP on loopback, which keeps what it is sent. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { OtlpSpan } from '../../src/telemetry/spans.ts';

/** A span with the process that sent it. */
export interface ReceivedSpan extends OtlpSpan {
  readonly process: string;
}

interface Resource {
  readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue?: string } }[];
}

export interface OtlpReceiver {
  readonly url: string;
  readonly spans: ReceivedSpan[];
  /** Names of metrics. */
  readonly metrics: Set<string>;
  /** The status of answers from now on. */
  status: number;
  /** Messages that came. */
  messages: number;
  close(): Promise<void>;
}

export async function openOtlpReceiver(): Promise<OtlpReceiver> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      receiver.messages += 1;
      if (receiver.status === 200) take(request.url ?? '', JSON.parse(Buffer.concat(chunks).toString('utf8')));
      response.writeHead(receiver.status, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const receiver: OtlpReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: [],
    metrics: new Set(),
    status: 200,
    messages: 0,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  // biome-ignore lint/suspicious/noExplicitAny: the body is what the protocol says
  const take = (path: string, body: any) => {
    for (const { resource, scopeSpans } of path === '/v1/traces' ? body.resourceSpans : [])
      for (const { spans } of scopeSpans)
        receiver.spans.push(...spans.map((span: OtlpSpan) => ({ ...span, process: processOf(resource) })));
    for (const { scopeMetrics } of path === '/v1/metrics' ? body.resourceMetrics : [])
      for (const { metrics } of scopeMetrics) for (const { name } of metrics) receiver.metrics.add(name);
  };
  return receiver;
}

function processOf({ attributes }: Resource): string {
  return attributes.find(({ key }) => key === 'metaheac.process')?.value.stringValue ?? '';
}
