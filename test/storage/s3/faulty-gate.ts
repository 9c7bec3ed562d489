/** A gate before an S3 server that spoils chosen requests or answers. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * What becomes of a request: its answer is `cut` in the middle, has fewer bytes (`short`) or a wrong byte (`wrong`), or
 * is `lost` after the server has done its work; or the server is not asked, and the answer has this status, or refuses
 * the signature (`forbidden`).
 */
export type Fault = 'cut' | 'short' | 'wrong' | 'lost' | 'forbidden' | number | null;

export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly authorization: string;
}

export class FaultyGate {
  readonly endpoint: string;
  /** Chooses the fault of a request, which waits for it. */
  faultOf: (asked: Asked) => Fault | Promise<Fault> = () => null;
  /** A header that is taken from requests, as by a server that does not know it. */
  ignored = '';
  /** All requests so far. */
  readonly asked: Asked[] = [];
  readonly #server: Server;

  private constructor(server: Server, target: string) {
    const { port } = server.address() as AddressInfo;
    this.endpoint = `http://127.0.0.1:${port}`;
    this.#server = server;
    server.on('request', (incoming: IncomingMessage, answer: ServerResponse) => {
      // a client that is gone needs no answer
      this.#pass(new URL(target), incoming, answer).catch(() => answer.destroy());
    });
  }

  static async start(target: string): Promise<FaultyGate> {
    const server = createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return new FaultyGate(server, target);
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  /** Number of requests of a method so far. */
  count(method: string, part = ''): number {
    return this.asked.filter((each) => each.method === method && each.url.includes(part)).length;
  }

  async #pass(target: URL, incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const { authorization = '' } = incoming.headers;
    const asked = { method: incoming.method!, url: incoming.url!, authorization };
    this.asked.push(asked);
    const fault = await this.faultOf(asked);
    const body = await bytesOf(incoming);
    if (fault === 'forbidden') {
      answer.writeHead(403, { 'content-type': 'application/xml' }).end(FORBIDDEN);
      return;
    }
    if (typeof fault === 'number') {
      answer.writeHead(fault, { 'content-type': 'application/xml' });
      answer.end(asked.method === 'HEAD' ? undefined : '<Error><Code>SlowDown</Code></Error>');
      return;
    }
    // the headers stay as they are, because they are signed
    const { hostname, port } = target;
    const headers = withoutHeader(incoming.rawHeaders, this.ignored);
    const options = { hostname, port, method: asked.method, path: asked.url, headers };
    const passed = request({ ...options, setHost: false });
    const [given] = (await once(passed.end(body), 'response')) as [IncomingMessage];
    spoil(fault, given, await bytesOf(given), answer);
  }
}

/** What S3 answers to a wrong signature. */
const FORBIDDEN =
  '<Error><Code>SignatureDoesNotMatch</Code><Message>The request signature does not match: AKIAABCDEFGHIJKLMNOP' +
  '</Message><AWSAccessKeyId>AKIAABCDEFGHIJKLMNOP</AWSAccessKeyId><StringToSign>AWS4-HMAC-SHA256</StringToSign>' +
  '<SignatureProvided>0123456789abcdef</SignatureProvided></Error>';

function spoil(fault: Fault, given: IncomingMessage, body: Buffer, answer: ServerResponse): void {
  const { 'content-length': length, ...headers } = given.headers;
  const half = body.subarray(0, Math.floor(body.length / 2));
  switch (fault) {
    case 'lost':
      answer.destroy();
      return;
    case 'cut':
      answer.writeHead(given.statusCode!, given.headers);
      answer.write(half, () => answer.destroy());
      return;
    case 'short':
      answer.writeHead(given.statusCode!, { ...headers, 'content-length': half.length }).end(half);
      return;
    case 'wrong':
      body[half.length] = body[half.length]! ^ 1;
      answer.writeHead(given.statusCode!, given.headers).end(body);
      return;
    default:
      answer.writeHead(given.statusCode!, { ...headers, ...(length !== undefined && { 'content-length': length }) });
      answer.end(body);
  }
}

/** Headers in pairs of names and values, without one of them. */
function withoutHeader(raw: readonly string[], name: string): string[] {
  return raw.filter((_, i) => raw[i - (i % 2)]!.toLowerCase() !== name);
}

async function bytesOf(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}
