/** Generated scenarios as data sets in a work folder. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../../src/lib/errors.ts';
import { SCENARIOS, type ScenarioName } from '../scenarios/catalogue.ts';
import { writeScenario } from '../scenarios/scenario.ts';

/** The seed of all scenarios of a benchmark. */
const SEED = '1';
const FILES = ['users.ndjson', 'campaigns.ndjson', 'interactions.csv'];

/**
 * Writes the data set `name` into its folder in `work` and returns the folder. If the folder contains different data,
 * the stored results belong to those data: the error is invalid_argument, and nothing changes.
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
      `${join(work, name)} has results of another data set of that name: remove it`,
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
