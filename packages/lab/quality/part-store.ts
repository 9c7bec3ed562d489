/** Stores the results of the parts of a run in files, so that a finished part is not run again. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface PartStore {
  /** The folder that contains the models and results of the data set. */
  readonly folder: string;
  /**
   * Returns the stored result of `part`, or null if there is no result under `key`. If `key` is omitted, a result with
   * any key is returned.
   */
  find<T>(part: string, key?: unknown): T | null;
  keep<T>(part: string, key: unknown, value: T): void;
}

export function openPartStore(folder: string): PartStore {
  mkdirSync(folder, { recursive: true });
  const fileOf = (part: string): string => join(folder, `${part}.json`);
  return {
    folder,
    find<T>(part: string, key?: unknown) {
      if (!existsSync(fileOf(part))) return null;
      const kept = JSON.parse(readFileSync(fileOf(part), 'utf8')) as { key: unknown; value: T };
      return key === undefined || JSON.stringify(kept.key) === JSON.stringify(key) ? kept.value : null;
    },
    keep(part, key, value) {
      writeFileSync(fileOf(part), `${JSON.stringify({ key, value })}\n`);
    },
  };
}
