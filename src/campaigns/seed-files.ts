/** Seed files: one set of seeds a file, named by its sha256, on the disk before any row names it. */
import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createFolder, replaceDurably, withStorage } from '../lib/durable-files.ts';
import { AppError } from '../lib/errors.ts';

export interface SeedSet {
  readonly sha256: string;
  readonly users: number;
  readonly sizeBytes: number;
}

/** Where the files of user sets are, in the data folder. */
export const SEED_FOLDER = 'seeds';

/**
 * Writes a set of seeds (no repetitions) into `folder`. The file depends on the set alone, never on its order, so equal sets
 * share one. It is written anew even where it exists: that costs one fsync, and heals a file that was damaged.
 * @throws AppError storage_failed with the cause.
 */
export function writeSeedFile(folder: string, userIds: readonly string[]): SeedSet {
  const bytes = encodeSeeds(userIds);
  const sha256 = hashOf(bytes);
  withStorage('write the seeds', () => {
    createFolder(folder);
    replaceDurably(seedFile(folder, sha256), bytes, join(folder, `${sha256}.${randomUUID()}.tmp`));
  });
  return { sha256, users: userIds.length, sizeBytes: bytes.length };
}

/**
 * The set of seeds of a file, sorted.
 * @throws AppError storage_failed where the file is missing or does not have its sha256.
 */
export function readSeedFile(folder: string, sha256: string): string[] {
  const path = seedFile(folder, sha256);
  const bytes = withStorage('read the seeds', () => readFileSync(path));
  if (hashOf(bytes) !== sha256) throw new AppError('storage_failed', `seed file ${path} was altered or is torn`);
  return decodeSeeds(bytes);
}

/** One id a line, sorted by UTF-16 code units. A line that starts with `"` is a JSON string: an id that would not survive as it is. */
export function encodeSeeds(userIds: readonly string[]): Buffer {
  const lines = [...userIds].sort().map((userId) => (NEEDS_JSON.test(userId) ? JSON.stringify(userId) : userId));
  return Buffer.from(lines.map((line) => `${line}\n`).join(''));
}

export function decodeSeeds(bytes: Buffer): string[] {
  return bytes
    .toString('utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => (line.startsWith('"') ? (JSON.parse(line) as string) : line));
}

/** Empty, a leading quote, a control character (a newline among them), half a surrogate pair. */
const NEEDS_JSON = /^$|^"|[\p{Cc}\p{Cs}]/u;

function seedFile(folder: string, sha256: string): string {
  return join(folder, `${sha256}.txt`);
}

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
