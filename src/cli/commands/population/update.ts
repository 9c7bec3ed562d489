/** `metaheac population update`. */

import { type Clock, systemClock } from '../../../lib/clock.ts';
import type { Output } from '../../../lib/output.ts';
import { type Duplicates, readSourceSchema } from '../../../population/import.ts';
import type { PublishedPopulation } from '../../../population/share.ts';
import { fitSchema, schemaOfFeatures, type UpdateFilesResult, updateFiles } from '../../../population/update.ts';
import { describeVersion, destinationOf, reportStored } from './destination.ts';
import { noteBadRows, progressWriter, reportLeftOut } from './import.ts';

export interface PopulationUpdateOptions {
  /** By default, the object storage of a cluster. */
  population?: string;
  changed?: readonly string[];
  deleted?: readonly string[];
  schema?: string;
  column: ReadonlyMap<string, string>;
  maxBadRows: number;
  duplicates: Duplicates;
  base?: string;
  compact?: boolean;
  memory?: number;
  maximumTokens?: number;
  readmitErased?: boolean;
  identifiers?: readonly string[];
  json?: boolean;
}

export async function populationUpdateCommand(
  options: PopulationUpdateOptions,
  output: Output,
  clock: Clock = systemClock,
): Promise<void> {
  const { schema: path, column, changed = [], deleted = [], identifiers: identifierFiles = [] } = options;
  const schema = path === undefined ? null : readSourceSchema(path, column);
  const population = await destinationOf(options.population, '--population', { ...options }, output);
  const start = clock.elapsed();
  const result = await updateFiles({
    population,
    changed,
    deleted,
    identifierFiles,
    schema: (features) => (schema ? fitSchema(schema, features, path!) : schemaOfFeatures(features, column)),
    maximumBadRows: options.maxBadRows,
    duplicates: options.duplicates,
    base: options.base,
    readmitErased: options.readmitErased === true,
    isCompacted: options.compact === true,
    ...(options.memory === undefined ? {} : { memoryMib: options.memory }),
    ...(options.maximumTokens === undefined ? {} : { limits: { maximumTokensPerList: options.maximumTokens } }),
    onProgress: progressWriter(output, clock),
  });
  const seconds = (clock.elapsed() - start) / 1000;
  if (options.json) output.result(JSON.stringify(present(result, seconds)));
  else report(result, seconds, population, output);
  noteBadRows(result, output);
}

function report(
  result: UpdateFilesResult,
  seconds: number,
  population: string | PublishedPopulation,
  output: Output,
): void {
  const { version, before, users, added, changed, unchanged, deleted, unknown, segments } = result;
  const { currentBefore, isOfNewest } = result;
  const isSame = version === before;
  output.result(
    `${describeVersion(version, population)}: ${users} users${isSame ? ', the same version as before' : ''}`,
  );
  output.result(`  ${changed} changed, ${added} new, ${deleted} deleted, ${unchanged} unchanged`);
  const what = isOfNewest ? 'the newest version' : 'not the newest version: changes made in later versions are missing';
  output.result(`  built on ${before}, ${what}`);
  if (currentBefore !== null && currentBefore !== before)
    output.result(
      `  the current version was ${currentBefore} and is now ${isSame && !isOfNewest ? currentBefore : version}`,
    );
  if (result.erased + result.leftOut > 0)
    output.result(`  ${result.erased} erased users removed, ${result.leftOut} rows of erased users left out`);
  reportLeftOut(result, output);
  if (unknown > 0) output.result(`  ${unknown} ids to delete are not in the population`);
  if (result.badRows + result.replaced > 0)
    output.result(`  ${result.badRows} bad rows, ${result.replaced} replaced by a later row of the same user`);
  output.result(
    `  ${segments.written} segments written, ${segments.shared} shared with ${before}, ${seconds.toFixed(1)} s`,
  );
  if (typeof population !== 'string') reportStored(population, output);
}

function present(result: UpdateFilesResult, seconds: number) {
  const { version, before, users, added, changed, unchanged, deleted, unknown, segments, badRows, replaced } = result;
  return {
    ...{
      version,
      before,
      base_is_newest: result.isOfNewest,
      current_before: result.currentBefore,
      users,
      changed,
      added,
      deleted,
      unchanged,
      unknown,
      segments,
    },
    bad_rows: badRows,
    replaced,
    erased: result.erased,
    left_out: result.leftOut,
    unknown_identifiers: result.unknownIdentifiers,
    erased_identifiers: result.erasedIdentifiers,
    seconds,
  };
}
