/**
 * `directory.sums`: the sha256 sums that are accepted in place of recorded sums, because the ids of erased users were
 * overwritten.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError, messageOf } from '../../lib/errors.ts';
import { replaceDurably } from '../../lib/files/durable-files.ts';

export const SUMS_FILE = 'directory.sums';

const sumsSchema = z.record(z.string(), z.array(z.string()));

/** Accepted sums for each recorded sha256. */
export type AcceptedSums = Readonly<Record<string, readonly string[]>>;

/** The sums that are accepted in place of a recorded sum. @throws AppError invalid_population */
export function acceptedSums(folder: string, recorded: string): readonly string[] {
  const path = join(folder, SUMS_FILE);
  if (!existsSync(path)) return [];
  try {
    return sumsSchema.parse(JSON.parse(readFileSync(path, 'utf8')))[recorded] ?? [];
  } catch (error) {
    throw new AppError('invalid_population', `${path} can't be read: ${messageOf(error)}`, { cause: error });
  }
}

/** Replaces all sums, durably. */
export function writeAcceptedSums(folder: string, sums: AcceptedSums): void {
  const path = join(folder, SUMS_FILE);
  replaceDurably(path, Buffer.from(`${JSON.stringify(sums, null, 1)}\n`), `${path}.tmp`);
}
