/** `metaheac population import SOURCE..`: imports users from Parquet, CSV or NDJSON according to a schema. */

import { type Clock, systemClock } from '../../../lib/clock.ts';
import { AppError } from '../../../lib/errors.ts';
import { hasTokens } from '../../../lib/feature-kinds.ts';
import type { Output } from '../../../lib/output.ts';
import { type ModelFolder, readModelFolder } from '../../../model/folder.ts';
import { featureOf } from '../../../model/manifest.ts';
import { bind } from '../../../online/binding.ts';
import {
  type Duplicates,
  type ImportFilesResult,
  type ImportProgress,
  importFiles,
  populationFeatures,
  readSourceSchema,
  type SourceSchema,
} from '../../../population/import.ts';
import { openPopulation } from '../../../population/read.ts';
import { storeImportedUserSides } from './store-user-sides.ts';
import { countUses } from './token-uses.ts';

export interface PopulationImportFilesOptions {
  schema: string;
  out: string;
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
  const schema = readSourceSchema(options.schema, options.column);
  const model = options.model === undefined ? null : readModelFolder(options.model);
  if (model) checkModel(model, schema, options.schema);
  const result = await importFiles({
    sources,
    schema,
    out: options.out,
    maximumBadRows: options.maxBadRows,
    duplicates: options.duplicates,
    readmitErased: options.readmitErased === true,
    ...(options.memory === undefined ? {} : { memoryMib: options.memory }),
    ...(options.maximumTokens === undefined ? {} : { limits: { maximumTokensPerList: options.maximumTokens } }),
    onProgress: progressWriter(output, systemClock),
  });
  const unknown = model ? unknownShares(model, options.out, result.version) : new Map<string, number>();
  report(result, schema, unknown, options.out, output);
  const { model: folder, out: population } = options;
  if (folder !== undefined)
    await storeImportedUserSides({ model: folder, population, version: result.version }, output);
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
  out: string,
  output: Output,
): void {
  const { version, users, newUsers, badRows, replaced, erased } = result;
  output.result(`population version ${version} in ${out}: ${users} users, ${newUsers} of them new`);
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

/**
 * Checks that the schema has every feature that the model reads, and that the kinds match. The schema may have more
 * features (for filters).
 */
function checkModel(model: ModelFolder, schema: SourceSchema, path: string): void {
  const features = populationFeatures(schema);
  for (const { name, kind, size } of model.manifest.features.user.map(featureOf)) {
    const found = features.find((feature) => feature.name === name);
    if (found?.kind === kind && found.size === size) continue;
    const wanted = `${kind}${size === undefined ? '' : ` of ${size}`}`;
    const is = found ? `is of kind ${found.kind}${found.size === undefined ? '' : ` of ${found.size}`}` : 'is missing';
    throw new AppError('invalid_argument', `${path}: the model reads the feature "${name}" (${wanted}), which ${is}`);
  }
}

/** For each feature, the share of tokens that the model does not know. */
function unknownShares(model: ModelFolder, out: string, version: string): Map<string, number> {
  const population = openPopulation(out, { version });
  const shares = new Map<string, number>();
  for (const [name, { unknown, tokens }] of countUses(bind(model, population), population))
    if (tokens > 0) shares.set(name, unknown / tokens);
  return shares;
}
