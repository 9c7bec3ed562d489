/** Runs a test expansion with each promoted model. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../../lib/errors.ts';
import { MODELS_FOLDER } from '../../../model/versions.ts';
import { loadTestedModel } from '../../../online/test-expansion.ts';
import type { Fault } from '../../../service/data-folder-check.ts';

/**
 * Returns a fault for each model that cannot expand although its files are intact. The fault names the failing node.
 */
export async function faultsOfExpanding(dataDir: string, versions: readonly string[]): Promise<Fault[]> {
  const faults: Fault[] = [];
  for (const version of versions) {
    const path = join(dataDir, MODELS_FOLDER, version);
    try {
      await loadTestedModel(path);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      // the model was removed during the check
      if (!existsSync(path)) continue;
      // messages of ONNX Runtime have several lines
      const message = error.message.replace(`model ${path}: `, '').replaceAll(/\s+/g, ' ').trim();
      faults.push({ path: `${MODELS_FOLDER}/${version}`, message });
    }
  }
  return faults;
}
