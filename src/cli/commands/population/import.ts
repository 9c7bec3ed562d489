/** `metaheac population import`: from Parquet, CSV or NDJSON files with a schema, or from a data set with a model. */

import { openDataSet } from '../../../dataset/data-set.ts';
import { splitLabel } from '../../../domain/identities.ts';
import { type Clock, systemClock } from '../../../lib/clock.ts';
import { columnOf, hasTokens } from '../../../lib/feature-kinds.ts';
import type { Output } from '../../../lib/output.ts';
import {
  type Duplicates,
  type ImportFilesResult,
  type ImportProgress,
  type ImportResult,
  importFiles,
  importPopulation,
  readSourceSchema,
  type SourceSchema,
} from '../../../population/import.ts';
import { derivedFeatures } from '../../../population/read.ts';
import type { PublishedPopulation } from '../../../population/share.ts';
import { describeVersion, destinationOf, reportStored } from './destination.ts';
import type { ImportModel } from './import-model.ts';

export interface PopulationImportOptions {
  /** Required if the users come from files. */
  schema?: string;
  /** A data set folder. Its users must have the features of the model. Required unless the users come from files. */
  data?: string;
  /** By default, the object storage of a cluster. */
  out?: string;
  model?: string;
  column: ReadonlyMap<string, string>;
  maxBadRows: number;
  duplicates: Duplicates;
  memory?: number;
  maximumTokens?: number;
  readmitErased?: boolean;
  identifiers?: readonly string[];
}

export function populationImportCommand(
  sources: readonly string[],
  options: PopulationImportOptions,
  output: Output,
): Promise<void> {
  return sources.length === 0 ? importDataSet(options, output) : importSources(sources, options, output);
}

async function importDataSet(options: PopulationImportOptions, output: Output): Promise<void> {
  const data = options.data!;
  const model = await openModel(options.model!);
  const { features } = model;
  const out = await destinationOf(options.out, '--out', { ...options }, output);
  const result = await importPopulation({
    ...commonOptions(options, out),
    source: data,
    features,
    derived: await derivedFeatures(openDataSet(data), features),
    onProgress: (read) => output.progress(`${read} users`),
  });
  const { version, users, newUsers, erased, coverage, tokens } = result;
  output.result(`${describeVersion(version, out)}: ${users} users, ${newUsers} of them new`);
  if (erased > 0) output.result(`  ${erased} users were left out because they had been erased`);
  const imported = typeof out === 'string' ? { population: out, version } : null;
  const uses = imported && model.countUses(imported);
  for (const { name, kind, maxLength } of features) {
    const counts = uses?.get(name);
    if (counts === undefined) {
      const ofTokens = hasTokens(kind) ? `, ${tokens[name]} tokens` : '';
      output.result(`  ${name}: ${coverage[name]} users have a value${ofTokens}`);
      continue;
    }
    const share = counts.tokens === 0 ? 0 : (100 * counts.unknown) / counts.tokens;
    const dropped =
      columnOf(kind) === 'multi'
        ? `, ${counts.dropped} uses ignored (only the first ${maxLength} per user are read)`
        : '';
    output.result(
      `  ${name}: ${tokens[name]} tokens, ${counts.tokens} uses, ${share.toFixed(1)} % unknown to the model${dropped}`,
    );
  }
  reportIdentifiers(result, output);
  if (imported) await model.storeUserSides(imported, output);
  if (typeof out !== 'string') reportStored(out, output);
}

async function importSources(
  sources: readonly string[],
  options: PopulationImportOptions,
  output: Output,
): Promise<void> {
  const out = await destinationOf(options.out, '--out', { ...options }, output);
  const path = options.schema!;
  const schema = readSourceSchema(path, options.column);
  const model = options.model === undefined ? null : await openModel(options.model);
  model?.check(schema, path);
  const result = await importFiles({
    ...commonOptions(options, out),
    sources,
    schema,
    maximumBadRows: options.maxBadRows,
    duplicates: options.duplicates,
    ...(options.memory === undefined ? {} : { memoryMib: options.memory }),
    onProgress: progressWriter(output, systemClock),
  });
  const imported = typeof out === 'string' ? { population: out, version: result.version } : null;
  const uses = imported && model ? model.countUses(imported) : null;
  report(result, schema, { uses, out }, output);
  if (imported) await model?.storeUserSides(imported, output);
  if (typeof out !== 'string') reportStored(out, output);
}

/** Loads the modules for a model, which most imports do not need. */
async function openModel(folder: string): Promise<ImportModel> {
  const { ImportModel } = await import('./import-model.ts');
  return new ImportModel(folder);
}

function commonOptions(
  { readmitErased, maximumTokens, identifiers = [] }: PopulationImportOptions,
  out: string | PublishedPopulation,
) {
  return {
    out,
    identifierFiles: identifiers,
    readmitErased: readmitErased === true,
    ...(maximumTokens === undefined ? {} : { limits: { maximumTokensPerList: maximumTokens } }),
  };
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
  {
    uses,
    out,
  }: { readonly uses: ReturnType<ImportModel['countUses']> | null; readonly out: string | PublishedPopulation },
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
    const counts = uses?.get(name);
    const missed = counts?.tokens
      ? `, ${((100 * counts.unknown) / counts.tokens).toFixed(1)} % of occurrences unknown to the model`
      : '';
    output.result(`  ${name} (${kind}): ${coverage}${tokens}${missed}`);
  }
  reportIdentifiers(result, output);
  noteBadRows(result, output);
}

function reportIdentifiers(
  { users, identifiers, ...leftOut }: Pick<ImportResult, 'users' | 'identifiers' | LeftOutIdentifiers>,
  output: Output,
): void {
  for (const { label, count, users: having } of identifiers) {
    const { type, rule } = splitLabel(label);
    const coverage = `${((100 * having) / users).toFixed(1)} % of users`;
    output.result(`  identifiers of type ${type}, rule ${rule}: ${count}, ${coverage}`);
  }
  reportLeftOut(leftOut, output);
}

type LeftOutIdentifiers = 'unknownIdentifiers' | 'erasedIdentifiers';

/** Reports how many identifiers were skipped. */
export function reportLeftOut(
  { unknownIdentifiers, erasedIdentifiers }: Pick<ImportResult, LeftOutIdentifiers>,
  output: Output,
): void {
  if (unknownIdentifiers > 0)
    output.result(`  ${unknownIdentifiers} identifiers of users who were never in the population were left out`);
  if (erasedIdentifiers > 0) output.result(`  ${erasedIdentifiers} erased identifiers were left out`);
}

/** Reports the first few bad rows, and how many more there were. */
export function noteBadRows(
  { badRows, worst }: Pick<ImportFilesResult, 'badRows' | 'worst'>,
  output: Pick<Output, 'note'>,
): void {
  for (const message of worst) output.note(message);
  if (badRows > worst.length) output.note(`and ${badRows - worst.length} more bad rows`);
}
