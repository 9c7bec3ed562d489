/** An OTLP receiver over HTTP on loopback, which stores what it receives. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

interface KeyValue {
  readonly key: string;
  readonly value: object;
}

/** A span in the form of the protocol, with the process that sent it. */
export interface ReceivedSpan {
  readonly process: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly KeyValue[];
  readonly status: { readonly code: number; readonly message?: string };
}

interface Resource {
  readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue?: string } }[];
}

export interface OtlpReceiver {
  readonly url: string;
  readonly spans: ReceivedSpan[];
  /** The metrics of the last message, by name. */
  readonly metrics: Map<string, Readonly<Record<string, unknown>>>;
  /** Text attributes of the last resource. */
  resource: Readonly<Record<string, string | undefined>>;
  /** Of the last request. */
  headers: IncomingHttpHeaders;
  /** The status of responses from now on. */
  status: number;
  /** Number of received messages. */
  messages: number;
  close(): Promise<void>;
}

export async function openOtlpReceiver(): Promise<OtlpReceiver> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      receiver.messages += 1;
      receiver.headers = request.headers;
      const sent = Buffer.concat(chunks);
      const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
      if (receiver.status === 200) take(request.url ?? '', JSON.parse(body.toString('utf8')));
      response.writeHead(receiver.status, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const receiver: OtlpReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: [],
    metrics: new Map(),
    resource: {},
    headers: {},
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
    for (const { resource, scopeSpans } of path === '/v1/traces' ? body.resourceSpans : []) {
      receiver.resource = textsOf(resource);
      const process = receiver.resource['metaheac.process'];
      for (const { spans } of scopeSpans)
        receiver.spans.push(...spans.map((span: Omit<ReceivedSpan, 'process'>) => ({ ...span, process })));
    }
    for (const { scopeMetrics } of path === '/v1/metrics' ? body.resourceMetrics : [])
      for (const { metrics } of scopeMetrics) for (const metric of metrics) receiver.metrics.set(metric.name, metric);
  };
  return receiver;
}

function textsOf({ attributes }: Resource): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue]));
}
