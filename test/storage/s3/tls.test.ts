/** Encrypted connections to object storage: with a certificate of a private authority, and with others. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { requireUsableS3 } from '../../../src/storage/s3/open-s3.ts';
import { type Certificate, HAS_OPENSSL, makeCertificate, needsOpenssl } from '../../fixture/certificates.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { startOwnS3, stubCredentials, type TestS3 } from '../../fixture/s3.ts';
import { startTlsFront, type TlsFront } from './tls-front.ts';

needsOpenssl('TLS to object storage');

const folder = temporaryFolder();
const CHILD = join(import.meta.dirname, 'children/use.ts');
const run = promisify(execFile);

let server: TestS3;
let authority: Certificate;
let front: TlsFront;

const urlOf = (protocol: 'http' | 'https', port: number) =>
  `s3://${server.bucket}/tls?endpoint=${protocol}://localhost:${port}`;

/** Opens the storage as a start does; the message of the error, or null. */
const faultOf = (url: string) =>
  requireUsableS3(url, { clock: systemClock, limits: { blobPatienceMs: 200 } }).then(
    () => null,
    (error: Error) => error.message,
  );

describe.skipIf(!HAS_OPENSSL)('TLS to object storage', () => {
  beforeAll(async () => {
    server = await startOwnS3();
    authority = makeCertificate(folder, 'authority', 'authority.example');
    front = await startTlsFront(server.endpoint, makeCertificate(folder, 'server', 'localhost', authority));
  });
  afterAll(async () => {
    await front?.close();
    await server?.close();
  });
  afterEach(() => void vi.unstubAllEnvs());

  it('verifies the server with the authority of AWS_CA_BUNDLE', async () => {
    stubCredentials(server);
    vi.stubEnv('AWS_CA_BUNDLE', authority.certificate);
    expect(await faultOf(urlOf('https', front.port))).toBe(null);
  });

  it('verifies the server with the authority of NODE_EXTRA_CA_CERTS', async () => {
    stubCredentials(server);
    const env = { ...process.env, AWS_CA_BUNDLE: '', NODE_EXTRA_CA_CERTS: authority.certificate };
    const { stdout } = await run(process.execPath, [CHILD, urlOf('https', front.port)], { env });
    expect(stdout).toBe('usable');
  });

  it('is refused at once if no known authority has signed the certificate', async () => {
    stubCredentials(server);
    for (const file of ['', makeCertificate(folder, 'other', 'other.example').certificate]) {
      vi.stubEnv('AWS_CA_BUNDLE', file);
      expect(await faultOf(urlOf('https', front.port))).toMatch(/certificate.*AWS_CA_BUNDLE/);
    }
  });

  it('is refused if AWS_CA_BUNDLE cannot be read', async () => {
    for (const [file, reason] of [
      [join(folder, 'no-such.pem'), 'ENOENT'],
      [authority.key, 'no certificate'],
    ] as const) {
      vi.stubEnv('AWS_CA_BUNDLE', file);
      expect(await faultOf(urlOf('https', front.port))).toMatch(new RegExp(`AWS_CA_BUNDLE ${file}: .*${reason}`));
    }
  });

  it('is refused if the certificate is of another host', async () => {
    stubCredentials(server);
    vi.stubEnv('AWS_CA_BUNDLE', authority.certificate);
    const other = await startTlsFront(
      server.endpoint,
      makeCertificate(folder, 'elsewhere', 'elsewhere.example', authority),
    );
    try {
      expect(await faultOf(urlOf('https', other.port))).toMatch(/certificate.*localhost.*elsewhere\.example/);
    } finally {
      await other.close();
    }
  });

  it('has to be used on both sides or on neither', async () => {
    stubCredentials(server);
    vi.stubEnv('AWS_CA_BUNDLE', authority.certificate);
    expect(await faultOf(urlOf('https', Number(new URL(server.endpoint).port)))).toMatch(/TLS.*begins with http:\/\//);
    expect(await faultOf(urlOf('http', front.port))).toMatch(/TLS.*begins with https:\/\//);
    // other servers answer in plain text
    const html = createServer((_, answer) =>
      answer.writeHead(400).end('<html>400 The plain HTTP request was sent</html>'),
    );
    await once(html.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => void html.close());
    expect(await faultOf(urlOf('http', (html.address() as AddressInfo).port))).toMatch(/TLS.*begins with https:\/\//);
  });
});
