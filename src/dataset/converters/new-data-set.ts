/** The folder of a converter's new data set, and the converter's report about it. */
import { existsSync, renameSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { AppError } from '../../lib/errors.ts';
import { createFolder, storageError, syncFolder } from '../../lib/files/durable-files.ts';
import { claimSibling } from '../../lib/files/temporary-sibling.ts';

export interface MadeDataSet {
  readonly users: number;
  readonly trainCampaigns: number;
  /**
   * Number of test campaigns per group. If all test campaigns have the same number of seeds, the only group is `none`.
   */
  readonly testCampaigns: Readonly<Record<'small' | 'large' | 'none', number>>;
  /** Number of rows in interactions.csv per stage. */
  readonly rows: Readonly<Record<'train' | 'seed' | 'eval', number>>;
  /** Sentences about what was chosen, and about what was left out and why. */
  readonly notes: readonly string[];
}

/** Called with a line that describes a converter's progress. */
export type OnProgress = (line: string) => void;

/** Counts campaigns and rows while they are written. */
export class MadeCounts {
  trainCampaigns = 0;
  readonly testCampaigns = { small: 0, large: 0, none: 0 };
  readonly rows = { train: 0, seed: 0, eval: 0 };

  addCampaign(split: 'train' | 'test', group: 'small' | 'large' | null): void {
    if (split === 'train') this.trainCampaigns++;
    else this.testCampaigns[group ?? 'none']++;
  }
}

/**
 * Lets `write` fill a temporary folder next to `out`, then renames it to `out`. Leftovers of killed runs are removed
 * first. If an error is thrown, nothing is left behind.
 * @throws AppError invalid_argument if `out` exists, storage_failed; the errors of `write`
 */
export async function writeNewFolder<T>(out: string, write: (folder: string) => Promise<T>): Promise<T> {
  if (existsSync(out)) throw new AppError('invalid_argument', `${out} already exists`);
  const path = resolve(out);
  const { path: temporary, release } = claimSibling(path, `write ${out}`);
  try {
    createFolder(temporary);
    const result = await write(temporary);
    renameSync(temporary, path);
    syncFolder(dirname(path));
    return result;
  } catch (error) {
    throw storageError(`write ${out}`, error);
  } finally {
    release();
  }
}
