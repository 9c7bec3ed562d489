/** Writes generated scenarios as data sets into a work folder. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../../src/lib/errors.ts';
import { SCENARIOS, type ScenarioName } from '../scenarios/catalogue.ts';
import { writeScenario } from '../scenarios/scenario.ts';

/** The random seed of all scenarios in a benchmark. */
const SEED = '1';
const FILES = ['users.ndjson', 'campaigns.ndjson', 'interactions.csv'];

/**
 * Writes the scenario `name` into a folder in `work` and returns the folder. If the folder contains different data,
 * nothing is changed and an invalid_argument error is thrown, because the stored results were measured on the data in
 * the folder.
 */
export async function writeScenarioData(work: string, name: ScenarioName): Promise<string> {
  const folder = join(work, name, 'data');
  const fresh = `${folder}.new`;
  rmSync(fresh, { recursive: true, force: true });
  await writeScenario(SCENARIOS[name], { out: fresh, seed: SEED });
  const isThere = existsSync(folder);
  if (isThere && hashOf(folder) !== hashOf(fresh)) {
    rmSync(fresh, { recursive: true });
    throw new AppError(
      'invalid_argument',
      `${join(work, name)} contains results for a different data set with the same name: remove this folder`,
    );
  }
  rmSync(folder, { recursive: true, force: true });
  renameSync(fresh, folder);
  return folder;
}

function hashOf(folder: string): string {
  const hash = createHash('sha256');
  for (const file of FILES) {
    const path = join(folder, file);
    hash.update(existsSync(path) ? readFileSync(path) : '');
  }
  return hash.digest('hex');
}
