/**
 * The calls of object storage that blobs need. Each call is repeated while the storage is busy or cannot be reached;
 * then it rejects with AppError storage_failed, whose errno is ENOENT if the object does not exist.
 */
import { createHash, randomUUID } from 'node:crypto';
import type { LookupFunction } from 'node:net';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { Clock } from '../../lib/clock.ts';
import { createRng } from '../../lib/rng.ts';
import { configOf, isPlain } from './client-config.ts';
import { DamagedAnswer, isNoObject, isRefused, storageFault } from './faults.ts';
import type { BlobLimits } from './limits.ts';
import type { S3Location } from './location.ts';
import { type Patience, repeated } from './retry.ts';

export interface ClientOptions {
  readonly clock: Pick<Clock, 'elapsed'>;
  readonly limits: BlobLimits;
  /** By default, the SDK's chain: environment, profiles, roles of the instance or pod. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
  /** The profile to read credentials from, instead of the one that AWS_PROFILE names. */
  readonly profile?: string | undefined;
  /** Resolves the host name of the server; by default, the system resolves it. */
  readonly lookup?: LookupFunction | undefined;
}

export interface ObjectEntry {
  readonly key: string;
  readonly sizeBytes: number;
  readonly etag: string;
  /** When the object was put, in milliseconds since 1970, by the clock of the storage. */
  readonly modified: number;
}

export interface ObjectHead {
  readonly etag: string;
  readonly sizeBytes: number;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface StoredObject extends ObjectHead {
  readonly bytes: Uint8Array;
}

/** When an object is put: always, if there is none of this key, or if it still has this ETag. */
export type Condition = 'always' | 'if-absent' | { readonly ifTag: string };

export interface PutOptions {
  readonly condition?: Condition;
  readonly metadata?: Readonly<Record<string, string>>;
  /** The sha256 of the bytes, in hexadecimal, if it is known. */
  readonly sha256?: string;
}

/** Metadata that distinguishes our put from another writer's if the answer to our put was lost. */
const PUT_ID = 'put-id';

export class ObjectStorage {
  readonly bucket: string;
  /** Begins every key. */
  readonly prefix: string;
  /** Whether the server is called without TLS. */
  readonly isPlain: boolean;
  readonly limits: BlobLimits;
  readonly #s3: S3Client;
  readonly #patience: Patience;

  /** @throws UsageError if the file of AWS_CA_BUNDLE cannot be read */
  constructor({ bucket, prefix, ...server }: S3Location, options: ClientOptions) {
    const { clock, limits, credentials, profile, lookup } = options;
    this.bucket = bucket;
    this.prefix = prefix;
    this.isPlain = isPlain(server.endpoint);
    this.limits = limits;
    // random, so that hosts that fail together do not all retry together
    const rng = createRng(randomUUID());
    this.#patience = { clock, rng, patienceMs: limits.blobPatienceMs };
    this.#s3 = new S3Client({
      ...configOf(server, limits, lookup),
      ...(credentials && { credentials }),
      ...(profile !== undefined && { profile }),
    });
    signKnownSums(this.#s3);
  }

  /** Runs calls of the SDK as one unit that is repeated; `doing` completes the error message "cannot ...". */
  async run<T>(doing: string, attempt: (s3: S3Client, number: number) => Promise<T>): Promise<T> {
    try {
      return await repeated(this.#patience, (number) => attempt(this.#s3, number));
    } catch (error) {
      throw storageFault(doing, error);
    }
  }

  /** null if there is no such object. */
  async head(key: string): Promise<ObjectHead | null> {
    return await this.run(`read ${key}`, async (s3) => {
      const head = await orMissing(s3.send(new HeadObjectCommand(this.at(key))));
      return head && { etag: head.ETag ?? '', sizeBytes: head.ContentLength ?? 0, metadata: head.Metadata ?? {} };
    });
  }

  /** A small object; null if there is none. */
  async find(key: string): Promise<StoredObject | null> {
    return await this.run(`read ${key}`, async (s3) => {
      const found = await orMissing(s3.send(new GetObjectCommand(this.at(key))));
      if (found === null) return null;
      const bytes = await found.Body!.transformToByteArray();
      if (bytes.length !== found.ContentLength) throw new DamagedAnswer('the answer is too short');
      return { etag: found.ETag ?? '', sizeBytes: bytes.length, metadata: found.Metadata ?? {}, bytes };
    });
  }

  /**
   * Passes `length` bytes from `position` to `sink`, chunk by chunk. If an attempt fails, the next one calls
   * `sink.restart` and begins at `position` again. `sink.end` may reject the bytes by throwing DamagedAnswer.
   */
  async fetch(key: string, position: number, length: number, sink: Sink): Promise<void> {
    const Range = `bytes=${position}-${position + length - 1}`;
    await this.run(`read ${key}`, async (s3) => {
      sink.restart();
      const { Body } = await s3.send(new GetObjectCommand({ ...this.at(key), Range }));
      let received = 0;
      for await (const chunk of Body as AsyncIterable<Uint8Array>) {
        received += chunk.length;
        if (received > length) break;
        await sink.write(chunk);
      }
      if (received !== length) throw new DamagedAnswer(`the answer has ${received} bytes instead of ${length}`);
      sink.end();
    });
  }

  /** Puts a small object. Returns its ETag; null if the condition is not met. */
  async put(
    key: string,
    bytes: Uint8Array,
    { condition = 'always', metadata, sha256 }: PutOptions = {},
  ): Promise<string | null> {
    const putId = randomUUID();
    const input = {
      ...this.at(key),
      ...conditionOf(condition),
      Body: bytes,
      ContentLength: bytes.length,
      ChecksumSHA256: inBase64(sha256 ?? sha256Of(bytes)),
      Metadata: { ...metadata, ...(condition !== 'always' && { [PUT_ID]: putId }) },
    };
    return await this.run(`write ${key}`, async (s3, number) => {
      try {
        return (await s3.send(new PutObjectCommand(input))).ETag ?? '';
      } catch (error) {
        const isReplaced = condition !== 'always' && condition !== 'if-absent' && isNoObject(error);
        if (!isRefused(error) && !isReplaced) throw error;
        if (number === 0) return null;
        // an earlier attempt may have succeeded although its answer was lost
        const head = await orMissing(s3.send(new HeadObjectCommand(this.at(key))));
        return head?.Metadata?.[PUT_ID] === putId ? (head.ETag ?? '') : null;
      }
    });
  }

  /** Pages of the objects whose keys begin with `prefix`, in the order of their bytes. */
  async *list(prefix: string, delimiter?: string): AsyncGenerator<readonly ObjectEntry[]> {
    let token: string | undefined;
    do {
      const input = {
        Bucket: this.bucket,
        Prefix: prefix,
        ...(delimiter !== undefined && { Delimiter: delimiter }),
        ...(token !== undefined && { ContinuationToken: token }),
      };
      const page = await this.run(`list ${prefix}`, (s3) => s3.send(new ListObjectsV2Command(input)));
      yield (page.Contents ?? []).map(({ Key, Size, LastModified, ETag }) => ({
        ...{ key: Key!, sizeBytes: Size ?? 0, etag: ETag ?? '' },
        modified: LastModified?.getTime() ?? 0,
      }));
      token = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  /**
   * Deletes the current version of an object, if it exists; with an ETag, only if the object still has it. A server
   * that does not know this condition deletes in any case.
   */
  async delete(key: string, ifTag?: string): Promise<void> {
    await this.run(`remove ${key}`, async (s3) => {
      const input = { ...this.at(key), ...(ifTag !== undefined && { IfMatch: ifTag }) };
      try {
        await s3.send(new DeleteObjectCommand(input));
      } catch (error) {
        if (!isNoObject(error) && !isRefused(error)) throw error;
      }
    });
  }

  at(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.bucket, Key: key };
  }

  close(): void {
    this.#s3.destroy();
  }
}

/** Receives the bytes of an object as they arrive. */
export interface Sink {
  /** Discards what has arrived. */
  restart(): void;
  write(chunk: Uint8Array): Promise<void> | void;
  /** @throws DamagedAnswer if the bytes are not the expected ones */
  end(): void;
}

/** Sends bytes that are in memory. */
export async function send(bytes: Uint8Array, sink: Sink): Promise<void> {
  sink.restart();
  await sink.write(bytes);
  sink.end();
}

export function sha256Of(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** A sha256, which is in hexadecimal if it is a text, as the protocol has it. */
export function inBase64(sha256: string | Buffer): string {
  return (typeof sha256 === 'string' ? Buffer.from(sha256, 'hex') : sha256).toString('base64');
}

async function orMissing<T>(call: Promise<T>): Promise<T | null> {
  try {
    return await call;
  } catch (error) {
    if (isNoObject(error)) return null;
    throw error;
  }
}

function conditionOf(condition: Condition): { readonly IfNoneMatch?: string; readonly IfMatch?: string } {
  if (condition === 'always') return {};
  return condition === 'if-absent' ? { IfNoneMatch: '*' } : { IfMatch: condition.ifTag };
}

/** Signs the sha256 that a put names, instead of computing the same sha256 a second time. */
function signKnownSums(s3: S3Client): void {
  s3.middlewareStack.add(
    (next) => async (call) => {
      const { ChecksumSHA256: sum } = call.input as { readonly ChecksumSHA256?: string };
      const { headers } = call.request as { readonly headers: Record<string, string> };
      if (sum !== undefined) headers['x-amz-content-sha256'] = Buffer.from(sum, 'base64').toString('hex');
      return await next(call);
    },
    { step: 'build', name: 'signKnownSums' },
  );
}
