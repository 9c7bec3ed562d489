/**
 * A small S3 server in memory, for the demo of a cluster and for tests. It does what `src/storage/s3` needs of object
 * storage, and is put to the same list of checks as other servers (`test/storage/s3/conformance.ts`). It keeps nothing
 * when it closes.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { S3Bucket, S3Fault } from './s3-objects.ts';
import { answer, type S3Response, tag } from './s3-requests.ts';

export interface S3Server {
  /** Base URL; buckets are addressed by paths. */
  readonly endpoint: string;
  /** The name of an empty bucket. */
  readonly bucket: string;
  /** The only credentials that the server accepts. It does not verify signatures. */
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Cuts all connections and stops. */
  close(): Promise<void>;
}

export interface S3ServerOptions {
  /** 0 for any free port. */
  readonly port?: number;
  readonly host?: string;
  readonly bucket?: string;
  readonly now: () => number;
  /** Called when a request is answered. */
  readonly onAnswered?: (request: AnsweredRequest) => void;
}

export interface AnsweredRequest {
  readonly method: string;
  /** Empty for requests about the bucket. */
  readonly key: string;
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

/** Maximum size of a request's body. A part of a multipart upload may have 5 GiB on S3, but ours are far smaller. */
const MAXIMUM_BODY_BYTES = 64 * 1024 * 1024;
const ACCESS_KEY_ID = 'metaheac';

export async function startS3(options: S3ServerOptions): Promise<S3Server> {
  const { port = 0, host = '127.0.0.1', bucket = 'metaheac', now, onAnswered } = options;
  const buckets = new Map([[bucket, new S3Bucket(now)]]);
  const server = createServer((request, response) => {
    respond(buckets, request, now)
      .catch(refusal)
      .then((answered) => {
        const sentBytes = send(request, response, answered);
        onAnswered?.({
          ...{ method: request.method ?? '', key: addressOf(request).key, sentBytes },
          receivedBytes: Number(request.headers['content-length'] ?? 0),
        });
      });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, host, resolve);
  });
  const { address, port: bound } = server.address() as AddressInfo;
  return {
    endpoint: `http://${address}:${bound}`,
    bucket,
    accessKeyId: ACCESS_KEY_ID,
    secretAccessKey: 'only-for-tests',
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function respond(
  buckets: Map<string, S3Bucket>,
  request: IncomingMessage,
  now: () => number,
): Promise<S3Response> {
  const body = await bodyOf(request);
  const { authorization } = request.headers;
  if (!authorization?.includes(`Credential=${ACCESS_KEY_ID}/`)) throw new S3Fault('AccessDenied', 403);
  const headers = request.headers as Record<string, string | undefined>;
  return answer(buckets, { method: request.method ?? '', ...addressOf(request), headers, body }, now);
}

function addressOf(request: IncomingMessage): {
  readonly bucket: string;
  readonly key: string;
  query: URLSearchParams;
} {
  const { pathname, searchParams: query } = new URL(request.url ?? '/', 'http://localhost');
  const [, bucket = '', ...key] = pathname.split('/');
  // the SDK names each operation in a parameter that means nothing to a server
  query.delete('x-id');
  return { bucket, key: decodeURIComponent(key.join('/')), query };
}

/** The body, which has arrived completely. @throws S3Fault IncompleteBody, EntityTooLarge */
async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAXIMUM_BODY_BYTES) throw new S3Fault('EntityTooLarge', 400);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof S3Fault) throw error;
    throw new S3Fault('IncompleteBody', 400);
  }
  const length = request.headers['content-length'];
  if (length !== undefined && Number(length) !== size) throw new S3Fault('IncompleteBody', 400);
  return Buffer.concat(chunks);
}

function refusal(error: unknown): S3Response {
  const fault = error instanceof S3Fault ? error : new S3Fault('InternalError', 500, String(error));
  const body = tag('Error', '', tag('Code', fault.code) + tag('Message', fault.message));
  return { status: fault.status, headers: { 'content-type': 'application/xml' }, body };
}

/** Returns the number of bytes of the body that is sent. */
function send(request: IncomingMessage, response: ServerResponse, { status, headers, body }: S3Response): number {
  const bytes = Buffer.from(body ?? '');
  const length = status === 204 ? {} : { 'content-length': bytes.length };
  response.writeHead(status, { ...headers, ...length });
  const isSent = request.method !== 'HEAD';
  if (isSent) response.end(bytes);
  else response.end();
  return isSent ? bytes.length : 0;
}
