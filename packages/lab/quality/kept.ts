/** Reads the stored results in a work folder, so that tables can be written without a run. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../../src/lib/errors.ts';
import { ABLATIONS } from './ablations.ts';
import { openPartStore } from './part-store.ts';
import type { AblationResult, MainResult, WholeResult } from './parts.ts';
import type { DataSetResults } from './tables.ts';

/**
 * Returns the stored results of each data set by name, whatever their keys. A folder that does not exist causes an
 * invalid_argument error.
 */
export function readKept(work: string): DataSetResults[] {
  if (!existsSync(work)) throw new AppError('invalid_argument', `the folder ${work} does not exist`);
  const folders = readdirSync(work, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders
    .map(({ name }) => ({ name: decodeURIComponent(name), store: openPartStore(join(work, name)) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, store }) => ({
      name,
      main: store.find<MainResult>('main'),
      reference: store.find<WholeResult>('whole-reference'),
      ablations: new Map(
        ABLATIONS.flatMap((ablation) => {
          const result = store.find<AblationResult>(ablation.name);
          return result ? [[ablation.name, result] as const] : [];
        }),
      ),
    }));
}
