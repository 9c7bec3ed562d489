/** Puts files of any size: small ones by one request, large ones in parts, which are discarded if one of them fails. */
import { createHash } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { assert } from '../../lib/errors.ts';
import { inParallel } from '../../lib/limited.ts';
import { inBase64, type ObjectStorage, sha256Of } from './client.ts';
import { isNoObject } from './faults.ts';
import { singleKey } from './keys.ts';
import { encodeMetadata, type FileParts, singlePartBytes } from './manifests.ts';

/** Bytes to be put, in memory or in a file of this machine. */
export interface Source {
  readonly sizeBytes: number;
  /** Returns bytes that do not change any more. */
  slice(position: number, length: number): Uint8Array;
}

/** Limits of S3: minimum and maximum number of parts, and minimum size of every part but the last. */
const LEAST_PART_BYTES = 5 * 1024 ** 2;
const MOST_PARTS = 10_000;

/** A source in memory. */
export function inMemory(data: NodeJS.ArrayBufferView): Source {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { sizeBytes: bytes.length, slice: (position, length) => bytes.subarray(position, position + length) };
}

/** The sha256 of each part of a source, in hexadecimal. */
export function sumsOf(source: Source, partBytes: number): string[] {
  const sums: string[] = [];
  for (let position = 0; position < source.sizeBytes; position += partBytes) {
    const length = Math.min(partBytes, source.sizeBytes - position);
    sums.push(sha256Of(source.slice(position, length)).toString('hex'));
  }
  return sums;
}

/** Computes the sha256 of each part of the written bytes. */
export class PartHasher {
  readonly #partBytes: number;
  readonly #sums: string[] = [];
  #hash = createHash('sha256');
  #hashedBytes = 0;

  constructor(partBytes: number) {
    this.#partBytes = partBytes;
  }

  add(data: NodeJS.ArrayBufferView): void {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    for (let at = 0; at < bytes.length; ) {
      const piece = bytes.subarray(at, at + this.#partBytes - this.#hashedBytes);
      this.#hash.update(piece);
      this.#hashedBytes += piece.length;
      at += piece.length;
      if (this.#hashedBytes === this.#partBytes) this.#endPart();
    }
  }

  /** The sums in hexadecimal, like those of `sumsOf`. Nothing may be added afterwards. */
  end(): string[] {
    if (this.#hashedBytes > 0) this.#endPart();
    return this.#sums;
  }

  #endPart(): void {
    this.#sums.push(this.#hash.digest('hex'));
    this.#hash = createHash('sha256');
    this.#hashedBytes = 0;
  }
}

export interface UploadOptions {
  readonly metadata?: Readonly<Record<string, string>>;
  /** The sha256 of the source's parts, if known. They are used if the file is sent in parts of this size. */
  readonly known?: Omit<FileParts, 'sizeBytes'>;
}

/** Puts an object, which appears with all its bytes or not at all. */
export async function upload(
  storage: ObjectStorage,
  key: string,
  source: Source,
  { metadata = {}, known }: UploadOptions = {},
): Promise<void> {
  const { blobPartBytes } = storage.limits;
  const partBytes = Math.max(blobPartBytes, LEAST_PART_BYTES, Math.ceil(source.sizeBytes / MOST_PARTS));
  if (source.sizeBytes <= partBytes) {
    const [sha256] = known?.parts.length === 1 ? known.parts : [];
    await storage.put(key, source.slice(0, source.sizeBytes), { metadata, ...(sha256 !== undefined && { sha256 }) });
    return;
  }
  const created = new CreateMultipartUploadCommand({
    ...storage.at(key),
    ChecksumAlgorithm: 'SHA256',
    Metadata: metadata,
  });
  const { UploadId } = await storage.run(`write ${key}`, (s3) => s3.send(created));
  try {
    const sums = known?.partBytes === partBytes ? known.parts : null;
    const parts = await putParts(storage, { ...storage.at(key), UploadId }, source, { partBytes, sums });
    await complete(storage, key, UploadId, parts);
  } catch (error) {
    await abort(storage, key, UploadId!).catch(() => {
      // `sweep` aborts it later; the error of the upload is more important
    });
    throw error;
  }
}

/**
 * Puts a single file with the sha256 of its parts in its metadata. `sums` contains the sha256 of parts of the usual
 * size. Rejects with AppError storage_failed.
 */
export async function putSingle(
  storage: ObjectStorage,
  folder: string,
  file: string,
  source: Source,
  sums: readonly string[],
): Promise<void> {
  assert(!file.includes('/'), `blob ${file} leads out of its folder`);
  const { blobPartBytes } = storage.limits;
  const partBytes = singlePartBytes(source.sizeBytes, blobPartBytes);
  const parts = partBytes === blobPartBytes ? sums : sumsOf(source, partBytes);
  const metadata = encodeMetadata({ sizeBytes: source.sizeBytes, partBytes, parts });
  await upload(storage, singleKey(storage.prefix, folder, file), source, { metadata, known: { partBytes, parts } });
}

async function putParts(
  storage: ObjectStorage,
  target: { readonly Bucket: string; readonly Key: string; readonly UploadId: string | undefined },
  source: Source,
  { partBytes, sums }: { readonly partBytes: number; readonly sums: readonly string[] | null },
): Promise<CompletedPart[]> {
  const numbers = Array.from({ length: Math.ceil(source.sizeBytes / partBytes) }, (_, i) => i + 1);
  const parts: CompletedPart[] = [];
  await inParallel(numbers, storage.limits.blobUploads, async (PartNumber) => {
    const position = (PartNumber - 1) * partBytes;
    const Body = source.slice(position, Math.min(partBytes, source.sizeBytes - position));
    const ChecksumSHA256 = inBase64(sums?.[PartNumber - 1] ?? sha256Of(Body));
    const input = { ...target, PartNumber, Body, ContentLength: Body.length, ChecksumSHA256 };
    const { ETag } = await storage.run(`write ${target.Key}`, (s3) => s3.send(new UploadPartCommand(input)));
    parts[PartNumber - 1] = { PartNumber, ETag, ChecksumSHA256 };
  });
  return parts;
}

async function complete(
  storage: ObjectStorage,
  key: string,
  UploadId: string | undefined,
  Parts: CompletedPart[],
): Promise<void> {
  const command = new CompleteMultipartUploadCommand({ ...storage.at(key), UploadId, MultipartUpload: { Parts } });
  await storage.run(`write ${key}`, async (s3, number) => {
    try {
      await s3.send(command);
    } catch (error) {
      // an earlier attempt may have succeeded although its answer was lost
      const isGone = (error as Error).name === 'NoSuchUpload';
      if (number === 0 || !isGone || (await storage.head(key)) === null) throw error;
    }
  });
}

async function abort(storage: ObjectStorage, key: string, UploadId: string): Promise<void> {
  const command = new AbortMultipartUploadCommand({ ...storage.at(key), UploadId });
  await storage.run(`abort an upload of ${key}`, async (s3) => {
    try {
      await s3.send(command);
    } catch (error) {
      if ((error as Error).name !== 'NoSuchUpload' && !isNoObject(error)) throw error;
    }
  });
}

/** Aborts the uploads that began before a time, in milliseconds since 1970. Returns their number. */
export async function abortUploads(storage: ObjectStorage, before: number): Promise<number> {
  let aborted = 0;
  let markers: { readonly KeyMarker?: string | undefined; readonly UploadIdMarker?: string | undefined } | null = {};
  while (markers !== null) {
    const command: ListMultipartUploadsCommand = new ListMultipartUploadsCommand({
      ...{ Bucket: storage.bucket, Prefix: storage.prefix },
      ...markers,
    });
    const page = await storage.run('list unfinished uploads', (s3) => s3.send(command));
    for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
      if ((Initiated?.getTime() ?? before) >= before) continue;
      await abort(storage, Key!, UploadId!);
      aborted += 1;
    }
    markers = page.IsTruncated ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker } : null;
  }
  return aborted;
}
