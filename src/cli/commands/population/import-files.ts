/** `metaheac population import SOURCE..`: imports users from Parquet, CSV or NDJSON according to a schema. */

import { type Clock, systemClock } from '../../../lib/clock.ts';
import { hasTokens } from '../../../lib/feature-kinds.ts';
import type { Output } from '../../../lib/output.ts';
import {
  type Duplicates,
  type ImportFilesResult,
  type ImportProgress,
  importFiles,
  readSourceSchema,
  type SourceSchema,
} from '../../../population/import.ts';
import type { PublishedPopulation } from '../../../population/share.ts';
import { describeVersion, destinationOf, reportStored } from './destination.ts';

export interface PopulationImportFilesOptions {
  schema: string;
  /** By default, the object storage of a cluster. */
  out?: string;
  model?: string;
  column: ReadonlyMap<string, string>;
  maxBadRows: number;
  duplicates: Duplicates;
  memory?: number;
  maximumTokens?: number;
  readmitErased?: boolean;
}

export async function populationImportFilesCommand(
  sources: readonly string[],
  options: PopulationImportFilesOptions,
  output: Output,
): Promise<void> {
  const out = await destinationOf(options.out, '--out', { ...options }, output);
  const schema = readSourceSchema(options.schema, options.column);
  // most of this command's modules are for a model, so they are loaded only if one is given
  const model = options.model === undefined ? null : (await import('./import-model.ts')).openImportModel(options.model);
  model?.check(schema, options.schema);
  const result = await importFiles({
    sources,
    schema,
    out,
    maximumBadRows: options.maxBadRows,
    duplicates: options.duplicates,
    readmitErased: options.readmitErased === true,
    ...(options.memory === undefined ? {} : { memoryMib: options.memory }),
    ...(options.maximumTokens === undefined ? {} : { limits: { maximumTokensPerList: options.maximumTokens } }),
    onProgress: progressWriter(output, systemClock),
  });
  if (typeof out !== 'string') {
    report(result, schema, new Map(), out, output);
    reportStored(out, output);
    return;
  }
  const imported = { population: out, version: result.version };
  report(result, schema, model?.unknownShares(imported) ?? new Map(), out, output);
  await model?.storeUserSides(imported, output);
}

/** Reports the progress of an import: phase, rows, rows per second and time left. */
export function progressWriter(output: Output, clock: Clock): (progress: ImportProgress) => void {
  let start: { readonly ms: number; readonly rows: number } | null = null;
  let current: ImportProgress['phase'] | null = null;
  return ({ phase, rows, total }) => {
    if (phase !== current) start = null;
    current = phase;
    start ??= { ms: clock.elapsed(), rows };
    const seconds = (clock.elapsed() - start.ms) / 1000;
    const rate = seconds > 0 ? (rows - start.rows) / seconds : 0;
    const left = total === undefined || rate === 0 ? '' : `, ${Math.ceil((total - rows) / rate)} s left`;
    const of = total === undefined ? '' : ` of ${total}`;
    output.progress(`${phase}: ${rows}${of} rows, ${Math.round(rate)} rows/s${left}`);
  };
}

function report(
  result: ImportFilesResult,
  schema: SourceSchema,
  unknown: ReadonlyMap<string, number>,
  out: string | PublishedPopulation,
  output: Output,
): void {
  const { version, users, newUsers, badRows, replaced, erased } = result;
  output.result(`${describeVersion(version, out)}: ${users} users, ${newUsers} of them new`);
  output.result(
    `  ${users + badRows + replaced + erased} rows: ${badRows} bad, ${replaced} replaced by a later row of the same user` +
      (erased > 0 ? `, ${erased} of erased users` : ''),
  );
  for (const { name, kind } of schema.features) {
    const coverage = `${((100 * result.coverage[name]!) / users).toFixed(1)} % of users`;
    const tokens = hasTokens(kind) ? `, ${result.tokens[name]} tokens` : '';
    const share = unknown.get(name);
    const missed = share === undefined ? '' : `, ${(100 * share).toFixed(1)} % of occurrences unknown to the model`;
    output.result(`  ${name} (${kind}): ${coverage}${tokens}${missed}`);
  }
  noteBadRows(result, output);
}

/** Reports the first few bad rows, and how many more there were. */
export function noteBadRows(
  { badRows, worst }: Pick<ImportFilesResult, 'badRows' | 'worst'>,
  output: Pick<Output, 'note'>,
): void {
  for (const message of worst) output.note(message);
  if (badRows > worst.length) output.note(`and ${badRows - worst.length} more bad rows`);
}
