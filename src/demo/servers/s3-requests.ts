/** Answers requests of the S3 protocol from buckets in memory. */
import { createHash } from 'node:crypto';
import { byBytes, S3Bucket, S3Fault, type S3Version } from './s3-objects.ts';

export interface S3Request {
  readonly method: string;
  readonly bucket: string;
  readonly key: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

export interface S3Response {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
}

type Buckets = Map<string, S3Bucket>;

const EMPTY: S3Response = { status: 200 };
const REMOVED: S3Response = { status: 204 };
const PAGE_KEYS = 1_000;

/** @throws S3Fault */
export function answer(buckets: Buckets, request: S3Request, now: () => number): S3Response {
  requireSum(request);
  if (request.key === '') return answerBucket(buckets, request, now);
  const bucket = bucketOf(buckets, request);
  const { query } = request;
  if (query.has('legal-hold')) return answerHold(bucket, request);
  if (query.has('uploads') || query.has('uploadId')) return answerUpload(bucket, request);
  return answerObject(bucket, request);
}

function answerBucket(buckets: Buckets, request: S3Request, now: () => number): S3Response {
  const { method, query } = request;
  if (method === 'PUT' && query.size === 0) {
    if (!buckets.has(request.bucket)) buckets.set(request.bucket, new S3Bucket(now));
    return EMPTY;
  }
  const bucket = bucketOf(buckets, request);
  if (method === 'HEAD') return EMPTY;
  if (method === 'PUT' && query.has('versioning')) {
    bucket.versioning = request.body.includes('<Status>Enabled') ? 'Enabled' : 'Suspended';
    return EMPTY;
  }
  if (method === 'POST' && query.has('delete')) return deleteMany(bucket, request.body.toString());
  if (method !== 'GET') throw new S3Fault('NotImplemented', 501);
  if (query.has('versioning')) {
    const status = bucket.versioning === null ? '' : tag('Status', bucket.versioning);
    return xml(tag('VersioningConfiguration', '', status));
  }
  if (query.has('versions')) return listVersions(bucket, query);
  if (query.has('uploads')) return listUploads(bucket, query);
  if (query.has('object-lock')) throw new S3Fault('ObjectLockConfigurationNotFoundError', 404);
  if (query.has('replication')) throw new S3Fault('ReplicationConfigurationNotFoundError', 404);
  if (query.get('list-type') === '2') return listObjects(bucket, query);
  throw new S3Fault('NotImplemented', 501);
}

function answerObject(bucket: S3Bucket, { method, key, query, headers, body }: S3Request): S3Response {
  const versionId = query.get('versionId') ?? undefined;
  switch (method) {
    case 'PUT': {
      const condition = { ifMatch: headers['if-match'], ifNoneMatch: headers['if-none-match'] };
      const put = bucket.put(key, body, keptHeaders(headers), condition);
      return { status: 200, headers: { etag: put.etag, 'x-amz-version-id': put.versionId } };
    }
    case 'GET':
    case 'HEAD':
      return read(bucket.get(key, versionId), headers);
    case 'DELETE':
      bucket.delete(key, versionId, headers['if-match']);
      return REMOVED;
    default:
      throw new S3Fault('NotImplemented', 501);
  }
}

function read({ body, etag, headers, modified, versionId }: S3Version, asked: S3Request['headers']): S3Response {
  const whole = body!;
  if (asked['if-match'] !== undefined && asked['if-match'] !== etag) throw new S3Fault('PreconditionFailed', 412);
  const common = {
    ...headers,
    etag,
    'last-modified': new Date(modified).toUTCString(),
    'x-amz-version-id': versionId,
  };
  const range = /^bytes=(\d+)-(\d*)$/.exec(asked['range'] ?? '');
  if (range === null) return { status: 200, headers: common, body: whole };
  const start = Number(range[1]);
  if (start >= whole.length) throw new S3Fault('InvalidRange', 416);
  const part = whole.subarray(start, range[2] ? Number(range[2]) + 1 : undefined);
  const contentRange = `bytes ${start}-${start + part.length - 1}/${whole.length}`;
  return { status: 206, headers: { ...common, 'content-range': contentRange }, body: part };
}

function answerHold(bucket: S3Bucket, { method, key, query, body }: S3Request): S3Response {
  const version = bucket.get(key, query.get('versionId') ?? undefined);
  if (method === 'PUT') version.isHeld = body.includes('<Status>ON');
  return xml(tag('LegalHold', '', tag('Status', version.isHeld ? 'ON' : 'OFF')));
}

function answerUpload(bucket: S3Bucket, { method, key, query, headers, body }: S3Request): S3Response {
  const uploadId = query.get('uploadId') ?? '';
  switch (method) {
    case 'POST': {
      if (query.has('uploads')) {
        const id = bucket.begin(key, keptHeaders(headers));
        return xml(tag('InitiateMultipartUploadResult', '', tag('Key', key) + tag('UploadId', id)));
      }
      const parts = elements(body.toString(), 'Part').map((part) => ({
        number: Number(element(part, 'PartNumber')),
        etag: element(part, 'ETag') ?? '',
      }));
      const condition = { ifMatch: headers['if-match'], ifNoneMatch: headers['if-none-match'] };
      const { etag } = bucket.complete(uploadId, parts, condition);
      return xml(tag('CompleteMultipartUploadResult', '', tag('Key', key) + tag('ETag', etag)));
    }
    case 'PUT':
      return { status: 200, headers: { etag: bucket.putPart(uploadId, Number(query.get('partNumber')), body) } };
    case 'DELETE':
      bucket.abort(uploadId);
      return REMOVED;
    default:
      throw new S3Fault('NotImplemented', 501);
  }
}

function deleteMany(bucket: S3Bucket, body: string): S3Response {
  const errors = elements(body, 'Object').map((object) => {
    const key = element(object, 'Key') ?? '';
    const versionId = element(object, 'VersionId');
    try {
      bucket.delete(key, versionId);
      return '';
    } catch (error) {
      if (!(error instanceof S3Fault)) throw error;
      const version = versionId === undefined ? '' : tag('VersionId', versionId);
      return tag('Error', '', tag('Key', key) + version + tag('Code', error.code) + tag('Message', error.message));
    }
  });
  return xml(tag('DeleteResult', '', errors.join('')));
}

function listObjects(bucket: S3Bucket, query: URLSearchParams): S3Response {
  const { prefix, after, most } = pageOf(query, 'start-after');
  const delimiter = query.get('delimiter');
  const token = query.get('continuation-token');
  const from = token === null ? after : Buffer.from(token, 'base64').toString();
  const entries = new Map<string, string>();
  for (const version of bucket.list(prefix)) {
    const end = delimiter === null ? -1 : version.key.indexOf(delimiter, prefix.length);
    const name = end < 0 ? version.key : version.key.slice(0, end + delimiter!.length);
    if (byBytes(name, from) <= 0) continue;
    entries.set(
      name,
      end < 0 ? tag('Contents', '', describe(version)) : tag('CommonPrefixes', '', tag('Prefix', name)),
    );
  }
  const page = [...entries].slice(0, most);
  const isTruncated = entries.size > page.length;
  const last = page.at(-1)?.[0] ?? '';
  const next = isTruncated ? tag('NextContinuationToken', Buffer.from(last).toString('base64')) : '';
  const head = tag('KeyCount', String(page.length)) + tag('IsTruncated', String(isTruncated)) + next;
  return xml(tag('ListBucketResult', '', head + page.map(([, text]) => text).join('')));
}

function listVersions(bucket: S3Bucket, query: URLSearchParams): S3Response {
  const { prefix, after, most } = pageOf(query, 'key-marker');
  const marker = query.get('version-id-marker');
  const all = bucket.listVersions(prefix);
  const start = all.findIndex(({ key, versionId }) =>
    marker === null ? byBytes(key, after) > 0 : key === after && versionId === marker,
  );
  const from = start < 0 ? (after === '' ? 0 : all.length) : start + (marker === null ? 0 : 1);
  const page = all.slice(from, from + most);
  const isTruncated = all.length > from + page.length;
  const { key = '', versionId = '' } = page.at(-1) ?? {};
  const next = isTruncated ? tag('NextKeyMarker', key) + tag('NextVersionIdMarker', versionId) : '';
  const rows = page.map((version) => {
    const isLatest = tag('IsLatest', String(bucket.isLatest(version)));
    const rest = tag('VersionId', version.versionId) + isLatest + describe(version);
    return tag(version.body === null ? 'DeleteMarker' : 'Version', '', rest);
  });
  return xml(tag('ListVersionsResult', '', tag('IsTruncated', String(isTruncated)) + next + rows.join('')));
}

function listUploads(bucket: S3Bucket, query: URLSearchParams): S3Response {
  const rows = bucket.listUploads(query.get('prefix') ?? '').map(({ key, uploadId, initiated }) => {
    const time = tag('Initiated', new Date(initiated).toISOString());
    return tag('Upload', '', tag('Key', key) + tag('UploadId', uploadId) + time);
  });
  return xml(tag('ListMultipartUploadsResult', '', tag('IsTruncated', 'false') + rows.join('')));
}

function pageOf(query: URLSearchParams, marker: string): { prefix: string; after: string; most: number } {
  const most = Math.min(PAGE_KEYS, Number(query.get('max-keys') ?? PAGE_KEYS));
  return { prefix: query.get('prefix') ?? '', after: query.get(marker) ?? '', most };
}

function describe({ key, body, etag, modified }: S3Version): string {
  const size = body === null ? '' : tag('Size', String(body.length)) + tag('ETag', etag);
  return tag('Key', key) + tag('LastModified', new Date(modified).toISOString()) + size;
}

/** @throws S3Fault NoSuchBucket */
function bucketOf(buckets: Buckets, { bucket: name }: S3Request): S3Bucket {
  const bucket = buckets.get(name);
  if (bucket === undefined) throw new S3Fault('NoSuchBucket', 404);
  return bucket;
}

/** Compares the body with the checksums in the headers. @throws S3Fault BadDigest */
function requireSum({ headers, body }: S3Request): void {
  const sum = headers['x-amz-checksum-sha256'];
  const signed = headers['x-amz-content-sha256'];
  if (headers['content-encoding']?.includes('aws-chunked')) throw new S3Fault('NotImplemented', 501);
  if (sum === undefined && !/^[0-9a-f]{64}$/.test(signed ?? '')) return;
  const digest = createHash('sha256').update(body).digest();
  if (sum !== undefined && sum !== digest.toString('base64')) throw new S3Fault('BadDigest', 400);
  if (signed?.length === 64 && signed !== digest.toString('hex')) throw new S3Fault('XAmzContentSHA256Mismatch', 400);
}

function keptHeaders(headers: S3Request['headers']): Record<string, string> {
  const kept = Object.entries(headers).filter(([name]) => name.startsWith('x-amz-meta-') || name === 'content-type');
  return Object.fromEntries(kept) as Record<string, string>;
}

function xml(body: string): S3Response {
  return { status: 200, headers: { 'content-type': 'application/xml' }, body: `<?xml version="1.0"?>${body}` };
}

/** An XML element with text, or with other elements. */
export function tag(name: string, text: string, inside = ''): string {
  return `<${name}>${text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`)}${inside}</${name}>`;
}

function elements(text: string, name: string): string[] {
  return [...text.matchAll(new RegExp(`<${name}>([\\s\\S]*?)</${name}>`, 'g'))].map((match) => match[1]!);
}

function element(text: string, name: string): string | undefined {
  const [found] = elements(text, name);
  return found
    ?.replace(/&#(x?)([0-9a-f]+);/gi, (_, hex: string, code: string) =>
      String.fromCodePoint(Number.parseInt(code, hex ? 16 : 10)),
    )
    .replace(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => ENTITIES[name]!);
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
