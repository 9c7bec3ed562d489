/** The settings of the SDK's client: server, region, TLS, connections. */
import { readFileSync } from 'node:fs';
import type { LookupFunction } from 'node:net';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { messageOf, UsageError } from '../../lib/errors.ts';
import type { BlobLimits } from './limits.ts';
import type { S3Location } from './location.ts';

/**
 * Calls are retried by `repeated`, so that one time limit covers a call, its body and the check of its sha256. The
 * SDK's own retries would multiply with these.
 * @throws UsageError if the file of AWS_CA_BUNDLE cannot be read
 */
export function configOf(
  { endpoint, isPathStyle, region }: Omit<S3Location, 'bucket' | 'prefix'>,
  limits: BlobLimits,
  lookup?: LookupFunction,
) {
  const agent = { keepAlive: true, maxSockets: limits.blobConnections, ...(lookup && { lookup }) };
  return {
    maxAttempts: 1,
    ...(endpoint !== undefined && { endpoint }),
    region: region ?? askedOnce(regionOrDefault),
    forcePathStyle: isPathStyle ?? endpoint !== undefined,
    followRegionRedirects: true,
    // this module computes and checks sha256 itself; servers other than AWS may refuse other checksums
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: limits.blobConnectMs,
      requestTimeout: limits.blobRequestMs,
      socketTimeout: limits.blobRequestMs,
      throwOnRequestTimeout: true,
      httpAgent: agent,
      httpsAgent: { ...agent, ...(isPlain(endpoint) ? {} : trusting(process.env)) },
      logger: SILENT,
    },
    logger: SILENT,
  } satisfies S3ClientConfig;
}

/** Whether the server is called without TLS. */
export function isPlain(endpoint: string | undefined): boolean {
  return endpoint?.startsWith('http:') === true;
}

/**
 * Trusts the authorities of the file that AWS_CA_BUNDLE names, besides those that Node trusts. Other programs of AWS
 * read this variable too, but its SDK for JavaScript does not.
 */
function trusting({ AWS_CA_BUNDLE: file }: NodeJS.ProcessEnv): { readonly secureContext?: SecureContext } {
  if (!file) return {};
  try {
    const given = readFileSync(file, 'utf8');
    if (!given.includes('-----BEGIN CERTIFICATE-----')) throw new Error('the file has no certificate in PEM format');
    // created once, because it takes longer than opening a connection
    return { secureContext: createSecureContext({ ca: [...getCACertificates(), given] }) };
  } catch (error) {
    throw new UsageError(`environment variable AWS_CA_BUNDLE ${file}: ${messageOf(error)}`);
  }
}

/** The SDK must not write to the terminal when requests wait for a connection. */
const SILENT = { trace: () => {}, debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** The SDK asks for the region before every call, and reads files and variables for it each time. */
function askedOnce(ask: () => Promise<string>): () => Promise<string> {
  let answer: Promise<string> | null = null;
  return () => {
    answer ??= ask();
    return answer;
  };
}

/** Servers other than AWS often have no regions, but signatures need one; AWS redirects to the region of the bucket. */
async function regionOrDefault(): Promise<string> {
  try {
    return await new S3Client({}).config.region();
  } catch {
    return 'us-east-1';
  }
}
