/**
 * One side of a population that processes of several namespaces share: says `ready`, waits for the file `go`, then does
 * what its arguments ask for, and prints each thing that it has done or been refused.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../../../src/lib/errors.ts';
import { eraseUsers } from '../../../src/population/erase/erase-users.ts';
import { importPopulation } from '../../../src/population/import/import.ts';
import { openPopulation } from '../../../src/population/read/population.ts';
import { schemaOfFeatures, updateFiles } from '../../../src/population/update/update-files.ts';
import { FEATURES } from '../support-features.ts';

/** Imports before a side gives up waiting for the file that ends them. */
const MOST_IMPORTS = 10_000;

const [go, folder, what, ...rest] = process.argv.slice(2) as [string, string, string, ...string[]];

/** Erases users one by one; what is printed was acknowledged. */
async function erase(prefix: string, from: number, to: number): Promise<void> {
  const population = openPopulation(folder);
  for (let i = from; i < to; i++) {
    await eraseUsers(folder, [`${prefix}${i}`], population);
    process.stdout.write(`${prefix}${i}\n`);
  }
}

/** Imports one data set after the other until the file `end` is there. */
async function importUntil(end: string, ...sources: string[]): Promise<void> {
  for (let i = 0; i < MOST_IMPORTS && !existsSync(end); i++) {
    const { version } = await importPopulation({
      source: sources[i % sources.length]!,
      features: FEATURES,
      out: folder,
    });
    process.stdout.write(`${version}\n`);
  }
}

async function update(changed: string): Promise<void> {
  const schema: Parameters<typeof updateFiles>[0]['schema'] = (features) => schemaOfFeatures(features, new Map());
  const { version } = await updateFiles({ population: folder, changed: [changed], deleted: [], schema });
  process.stdout.write(`${version}\n`);
}

writeFileSync(`${go}.${what}-${rest[0]!.replaceAll('/', '_')}.ready`, '');
while (!existsSync(go)) await sleep(1);
try {
  if (what === 'erase') await erase(rest[0]!, Number(rest[1]), Number(rest[2]));
  else if (what === 'import') await importUntil(join(rest[0]!), ...rest.slice(1));
  else await update(rest[0]!);
} catch (error) {
  if (!(error instanceof AppError)) throw error;
  process.stdout.write(`${error.code}: ${error.message}\n`);
  process.exitCode = 1;
}
