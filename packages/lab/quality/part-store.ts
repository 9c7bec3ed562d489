/** Results of the parts of a run as files, so that a finished part is not run again. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface PartStore {
  /** The folder of the data set's models and results. */
  readonly folder: string;
  /**
   * The stored result of `part`; null if there is none, or only one under another key. Without a key: under any key.
   */
  find<T>(part: string, key?: unknown): T | null;
  /** Names of the stored parts, in no particular order. */
  parts(): string[];
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
    parts() {
      return readdirSync(folder)
        .filter((file) => file.endsWith('.json'))
        .map((file) => file.slice(0, -'.json'.length));
    },
    keep(part, key, value) {
      writeFileSync(fileOf(part), `${JSON.stringify({ key, value })}\n`);
    },
  };
}
