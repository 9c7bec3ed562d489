/** Where blobs are in object storage: a bucket, a prefix of keys, and the server. */
import { UsageError } from '../../lib/errors.ts';

export interface S3Location {
  readonly bucket: string;
  /** Begins every key; empty, or ends with `/`. */
  readonly prefix: string;
  /** Base URL of a server other than AWS. */
  readonly endpoint?: string | undefined;
  /** Whether the bucket is in the path instead of the host name; by default, if there is an endpoint. */
  readonly isPathStyle?: boolean | undefined;
  /** By default, the region that the SDK finds (AWS_REGION, profiles), or us-east-1. */
  readonly region?: string | undefined;
}

const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const PREFIX = /^[A-Za-z0-9!_.*'()-]+(\/[A-Za-z0-9!_.*'()-]+)*$/;

/**
 * Parses `s3://bucket/prefix`, which may end with the parameters `endpoint`, `region` and `path_style`, such as
 * `?endpoint=https://host:9000&path_style=true`. Credentials never belong there: the SDK finds them.
 * @throws UsageError that does not repeat the URL
 */
export function parseS3Url(url: string): S3Location {
  const [, bucket, prefix = '', query = ''] = /^s3:\/\/([^/?#]+)(?:\/([^?#]*))?(?:\?([^#]*))?$/.exec(url) ?? [];
  if (bucket === undefined) throw new UsageError('blobs must be at a URL of the form s3://bucket/prefix');
  if (bucket.includes('@'))
    throw new UsageError('the URL of blobs must not contain credentials: use AWS_ACCESS_KEY_ID, or a profile or role');
  if (!BUCKET.test(bucket)) throw new UsageError('the URL of blobs does not name a valid bucket: s3://bucket/prefix');
  const path = prefix.replace(/\/$/, '');
  const isPath = path === '' || (PREFIX.test(path) && !path.split('/').some((part) => part === '.' || part === '..'));
  if (!isPath)
    throw new UsageError("a prefix of blobs is limited to letters, digits and -_.!*'() between single slashes");
  return { bucket, prefix: path === '' ? '' : `${path}/`, ...parseServer(new URLSearchParams(query)) };
}

function parseServer(parameters: URLSearchParams): Omit<S3Location, 'bucket' | 'prefix'> {
  const { endpoint, region, path_style: pathStyle, ...others } = Object.fromEntries(parameters);
  const [unknown] = Object.keys(others);
  if (unknown !== undefined)
    throw new UsageError('the URL of blobs allows only the parameters endpoint, region and path_style');
  if (pathStyle !== undefined && pathStyle !== 'true' && pathStyle !== 'false')
    throw new UsageError('path_style in the URL of blobs must be true or false');
  return {
    ...(endpoint !== undefined && { endpoint: parseEndpoint(endpoint) }),
    ...(region !== undefined && { region }),
    ...(pathStyle !== undefined && { isPathStyle: pathStyle === 'true' }),
  };
}

/** Checks the base URL of a server. @throws UsageError that does not repeat the URL */
function parseEndpoint(endpoint: string): string {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    throw new UsageError('the endpoint of object storage must be a URL that begins with https:// or http://');
  if (url.username !== '' || url.password !== '')
    throw new UsageError('the endpoint of object storage must not contain credentials');
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '')
    throw new UsageError('the endpoint of object storage must be a base URL, without a path');
  return url.origin;
}
