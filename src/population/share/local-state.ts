/** What a population folder remembers of the published population that it takes part in. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError, messageOf } from '../../lib/errors.ts';
import { replaceDurably, withStorage } from '../../lib/files/durable-files.ts';

const SHARED_FILE = 'shared.json';

/** How far the erasures of a folder and the log of the published population were exchanged. */
const sharedSchema = z.object({
  /** Number of records of the log that the folder has. */
  merged: z.int().min(0),
  /** Number of records of the folder that the log has. */
  pushed: z.int().min(0),
  /**
   * Hashes of users who were erased in the folder, had no number there, and may have a number in published tables that
   * the folder lacks.
   */
  unmatched: z.array(z.string()).default([]),
});

export type SharedState = z.output<typeof sharedSchema>;

/** Null if the folder never exchanged erasures. @throws AppError invalid_population */
export function readSharedState(folder: string): SharedState | null {
  const path = join(folder, SHARED_FILE);
  if (!existsSync(path)) return null;
  try {
    return sharedSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    throw new AppError('invalid_population', `${path} can't be read: ${messageOf(error)}`, { cause: error });
  }
}

/** @throws AppError storage_failed */
export function writeSharedState(folder: string, state: SharedState): void {
  const path = join(folder, SHARED_FILE);
  withStorage(`write ${path}`, () => replaceDurably(path, Buffer.from(`${JSON.stringify(state)}\n`), `${path}.tmp`));
}
