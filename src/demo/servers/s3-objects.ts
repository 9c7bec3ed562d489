/** The objects of an S3 server in memory: buckets, versions, delete markers, and unfinished multipart uploads. */
import { createHash, randomUUID } from 'node:crypto';

/** An error of S3: its code, its HTTP status and its message. */
export class S3Fault extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, status: number, message = code) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** A version of an object; without a body, it is a delete marker. */
export interface S3Version {
  readonly key: string;
  readonly versionId: string;
  readonly body: Buffer | null;
  readonly etag: string;
  readonly modified: number;
  /** The headers `x-amz-meta-*` and `content-type` of the put. */
  readonly headers: Readonly<Record<string, string>>;
  /** A legal hold keeps the version from being deleted. */
  isHeld: boolean;
}

/** Conditions of a put: the headers If-Match and If-None-Match. */
export interface Condition {
  readonly ifMatch?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
}

interface Upload {
  readonly uploadId: string;
  readonly key: string;
  readonly initiated: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly parts: Map<number, { readonly body: Buffer; readonly etag: string }>;
}

/** Minimum size of all parts of a multipart upload but the last, as on S3. */
const LEAST_PART_BYTES = 5 * 1024 * 1024;

export class S3Bucket {
  versioning: 'Enabled' | 'Suspended' | null = null;
  /** Versions by key, oldest first. */
  readonly #versions = new Map<string, S3Version[]>();
  readonly #uploads = new Map<string, Upload>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** @throws S3Fault NoSuchKey, NoSuchVersion */
  get(key: string, versionId?: string): S3Version & { readonly body: Buffer } {
    const version = versionId === undefined ? this.#latest(key) : this.#find(key, versionId);
    if (!version?.body) throw new S3Fault(versionId === undefined ? 'NoSuchKey' : 'NoSuchVersion', 404);
    return version as S3Version & { readonly body: Buffer };
  }

  /** @throws S3Fault PreconditionFailed, NoSuchKey */
  put(key: string, body: Buffer, headers: S3Version['headers'], condition: Condition): S3Version {
    return this.#add(key, body, `"${md5(body)}"`, headers, condition);
  }

  /**
   * Without a version: removes the object, or adds a delete marker in a versioned bucket. With a version: removes it.
   * @throws S3Fault AccessDenied if a legal hold keeps the version; PreconditionFailed
   */
  delete(key: string, versionId?: string, ifMatch?: string): void {
    const latest = this.#latest(key);
    if (ifMatch !== undefined && latest?.body && latest.etag !== ifMatch) throw new S3Fault('PreconditionFailed', 412);
    if (versionId === undefined && this.versioning !== null) {
      this.#append(key, null, '', {});
      return;
    }
    const versions = this.#versions.get(key) ?? [];
    const removed = versions.filter((each) => versionId === undefined || each.versionId === versionId);
    if (removed.some(({ isHeld }) => isHeld)) throw new S3Fault('AccessDenied', 403, 'a legal hold keeps this version');
    const left = versions.filter((each) => !removed.includes(each));
    if (left.length > 0) this.#versions.set(key, left);
    else this.#versions.delete(key);
  }

  /** The objects whose keys begin with `prefix`, in the order of their bytes. */
  list(prefix: string): S3Version[] {
    return this.#keys(prefix).flatMap((key) => {
      const latest = this.#latest(key);
      return latest?.body ? [latest] : [];
    });
  }

  /** All versions and delete markers whose keys begin with `prefix`; the newest of a key comes first. */
  listVersions(prefix: string): S3Version[] {
    return this.#keys(prefix).flatMap((key) => [...this.#versions.get(key)!].reverse());
  }

  isLatest(version: S3Version): boolean {
    return this.#latest(version.key) === version;
  }

  begin(key: string, headers: S3Version['headers']): string {
    const uploadId = randomUUID();
    this.#uploads.set(uploadId, { uploadId, key, initiated: this.#now(), headers, parts: new Map() });
    return uploadId;
  }

  /** Returns the part's ETag. @throws S3Fault NoSuchUpload */
  putPart(uploadId: string, number: number, body: Buffer): string {
    const etag = `"${md5(body)}"`;
    this.#upload(uploadId).parts.set(number, { body, etag });
    return etag;
  }

  /** @throws S3Fault NoSuchUpload, InvalidPart, InvalidPartOrder, EntityTooSmall, and the faults of `put` */
  complete(uploadId: string, parts: readonly { number: number; etag: string }[], condition: Condition): S3Version {
    const upload = this.#upload(uploadId);
    const bodies = parts.map(({ number, etag }, i) => {
      const part = upload.parts.get(number);
      if (part === undefined || part.etag !== etag) throw new S3Fault('InvalidPart', 400);
      if (i > 0 && number <= parts[i - 1]!.number) throw new S3Fault('InvalidPartOrder', 400);
      const isLast = i === parts.length - 1;
      if (!isLast && part.body.length < LEAST_PART_BYTES) throw new S3Fault('EntityTooSmall', 400);
      return part.body;
    });
    const etag = `"${md5(Buffer.concat(bodies.map((body) => Buffer.from(md5(body), 'hex'))))}-${parts.length}"`;
    const version = this.#add(upload.key, Buffer.concat(bodies), etag, upload.headers, condition);
    this.#uploads.delete(uploadId);
    return version;
  }

  /** @throws S3Fault NoSuchUpload */
  abort(uploadId: string): void {
    this.#upload(uploadId);
    this.#uploads.delete(uploadId);
  }

  listUploads(prefix: string): readonly Pick<Upload, 'key' | 'uploadId' | 'initiated'>[] {
    return [...this.#uploads.values()].filter(({ key }) => key.startsWith(prefix));
  }

  #add(key: string, body: Buffer, etag: string, headers: S3Version['headers'], condition: Condition): S3Version {
    // the whole body has arrived, so no other request runs between the check and the put
    const latest = this.#latest(key)?.body ? this.#latest(key)! : null;
    if (condition.ifNoneMatch === '*' && latest !== null) throw new S3Fault('PreconditionFailed', 412);
    if (condition.ifMatch !== undefined) {
      if (latest === null) throw new S3Fault('NoSuchKey', 404);
      if (latest.etag !== condition.ifMatch) throw new S3Fault('PreconditionFailed', 412);
    }
    return this.#append(key, body, etag, headers);
  }

  #append(key: string, body: Buffer | null, etag: string, headers: S3Version['headers']): S3Version {
    const versionId = this.versioning === 'Enabled' ? randomUUID() : 'null';
    const version = { key, versionId, body, etag, modified: this.#now(), headers, isHeld: false };
    const earlier = (this.#versions.get(key) ?? []).filter((each) => each.versionId !== versionId);
    this.#versions.set(key, [...earlier, version]);
    return version;
  }

  #latest(key: string): S3Version | undefined {
    return this.#versions.get(key)?.at(-1);
  }

  #find(key: string, versionId: string): S3Version | undefined {
    return this.#versions.get(key)?.find((each) => each.versionId === versionId);
  }

  #keys(prefix: string): string[] {
    return [...this.#versions.keys()].filter((key) => key.startsWith(prefix)).sort(byBytes);
  }

  #upload(uploadId: string): Upload {
    const upload = this.#uploads.get(uploadId);
    if (upload === undefined) throw new S3Fault('NoSuchUpload', 404);
    return upload;
  }
}

/** The order of S3: that of the UTF-8 bytes of the keys. */
export function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function md5(bytes: Buffer): string {
  return createHash('md5').update(bytes).digest('hex');
}
