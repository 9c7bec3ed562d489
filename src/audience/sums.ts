/**
 * Checksums of a ranking's files. Every block of 16 KiB has a CRC-32, so that a read verifies only the blocks that it
 * touches and opening a ranking reads no block.
 */
import { crc32 } from 'node:zlib';
import type { OpenBlob } from '../domain/ports/blobs.ts';
import type { AppError } from '../lib/errors.ts';

/** Number of bytes that one checksum covers. */
export const SUM_BLOCK_BYTES = 16 * 1024;

/** The CRC-32 of each block. The last block may be shorter. */
export type Sums = Uint32Array;

/** Computes the checksums of the bytes of a file. */
export function sumsOf(data: NodeJS.ArrayBufferView): Sums {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const sums = new Uint32Array(blocksOf(bytes.length));
  for (let block = 0; block < sums.length; block++)
    sums[block] = crc32(bytes.subarray(block * SUM_BLOCK_BYTES, (block + 1) * SUM_BLOCK_BYTES));
  return sums;
}

/** Computes the checksums of a file that is written piece by piece. */
export class RunningSums {
  readonly #sums: Uint32Array;
  #block = 0;
  /** Number of bytes of the current block so far. */
  #filled = 0;

  /** `sizeBytes` is the maximum size of the file. */
  constructor(sizeBytes: number) {
    this.#sums = new Uint32Array(blocksOf(sizeBytes));
  }

  add(data: NodeJS.ArrayBufferView): void {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + SUM_BLOCK_BYTES - this.#filled);
      this.#sums[this.#block] = crc32(part, this.#sums[this.#block]);
      at += part.length;
      this.#filled += part.length;
      if (this.#filled < SUM_BLOCK_BYTES) continue;
      this.#block += 1;
      this.#filled = 0;
    }
  }

  /** The checksums of the bytes so far. */
  end(): Sums {
    return this.#sums.slice(0, this.#block + Number(this.#filled > 0));
  }
}

/** Encodes checksums for the sidecar as base64 of little-endian uint32. */
export function encodeSums(sums: Sums): string {
  return Buffer.from(sums.buffer, sums.byteOffset, sums.byteLength).toString('base64');
}

/** Decodes checksums from the sidecar. Returns null if their number does not match a file of `sizeBytes`. */
export function decodeSums(text: unknown, sizeBytes: number): Sums | null {
  if (typeof text !== 'string') return null;
  const bytes = new Uint8Array(Buffer.from(text, 'base64'));
  return bytes.length === 4 * blocksOf(sizeBytes) ? new Uint32Array(bytes.buffer) : null;
}

/** Returns how many blocks, and thus checksums, a file of `sizeBytes` has. */
export function blocksOf(sizeBytes: number): number {
  return Math.ceil(sizeBytes / SUM_BLOCK_BYTES);
}

/** An open file that verifies each block once, before it returns any byte of the block. */
export class CheckedBlob implements OpenBlob {
  readonly sizeBytes: number;
  readonly #blob: OpenBlob;
  readonly #sums: Sums;
  readonly #refusal: (block: number) => AppError;
  /** 1 for each block that has been verified. */
  readonly #verified: Uint8Array;

  constructor(blob: OpenBlob, sums: Sums, refusal: (block: number) => AppError) {
    this.#blob = blob;
    this.#sums = sums;
    this.#refusal = refusal;
    this.#verified = new Uint8Array(sums.length);
    this.sizeBytes = blob.sizeBytes;
  }

  /**
   * Reads bytes at a position. @throws AppError storage_failed if the disk fails or a block does not match its checksum
   */
  read(target: Uint8Array, position: number): number {
    const read = this.#blob.read(target, position);
    if (read === 0) return 0;
    const last = Math.floor((position + read - 1) / SUM_BLOCK_BYTES);
    for (let block = Math.floor(position / SUM_BLOCK_BYTES); block <= last; block++) {
      if (this.#verified[block] === 1) continue;
      if (this.#sumOf(block, target.subarray(0, read), position) !== this.#sums[block]) throw this.#refusal(block);
      this.#verified[block] = 1;
    }
    return read;
  }

  close(): void {
    this.#blob.close();
  }

  /** Computes the checksum of a block from `bytes` if they contain the whole block, otherwise from another read. */
  #sumOf(block: number, bytes: Uint8Array, position: number): number {
    const start = block * SUM_BLOCK_BYTES;
    const length = Math.min(SUM_BLOCK_BYTES, this.sizeBytes - start);
    const from = start - position;
    if (from >= 0 && from + length <= bytes.length) return crc32(bytes.subarray(from, from + length));
    const whole = Buffer.allocUnsafe(length);
    return crc32(whole.subarray(0, this.#blob.read(whole, start)));
  }
}
