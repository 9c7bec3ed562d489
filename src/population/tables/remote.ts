/** Expands remote files and file patterns. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { AppError, messageOf } from '../../lib/errors.ts';
import type { CsvPath } from '../import/csv-users.ts';
import { checkFile, formatOf, isPattern, isRemote } from '../import/source-files.ts';
import { quoteText } from '../kinds/column-plan.ts';
import { type Database, quotePath, textOf } from './database.ts';

/**
 * The files that `sources` name, in the order of `sources`. The files that match a pattern are sorted by name. Errors:
 * AppError `invalid_data` if a pattern matches nothing, or if DuckDB's extension for remote files cannot be loaded.
 */
async function expandSources(sources: readonly string[], database: Database): Promise<string[]> {
  if (sources.some(isRemote)) await loadRemote(sources, database);
  const paths: string[] = [];
  for (const source of sources) {
    if (!(isPattern(source) || (isRemote(source) && source.includes('*')))) {
      paths.push(source);
      continue;
    }
    const rows = await database.rows(`SELECT file FROM glob(${quoteText(source)}) ORDER BY file`);
    if (rows.length === 0) throw new AppError('invalid_data', `${source}: not found`);
    paths.push(...rows.map((row) => textOf(row, 'file')));
  }
  return paths;
}

/** Uses an installed extension before trying to download one. */
async function loadRemote(sources: readonly string[], database: Database): Promise<void> {
  try {
    await loadExtension('httpfs', database);
    if (sources.some((source) => /^s3:/i.test(source))) {
      await loadExtension('aws', database);
      await database.run('CREATE SECRET (TYPE s3, PROVIDER credential_chain)');
    }
  } catch (error) {
    const remote = sources.find(isRemote);
    throw new AppError(
      'invalid_data',
      `${remote} can't be read: DuckDB's extensions for it (httpfs, for s3:// also aws) can't be loaded here ` +
        `(${messageOf(error)}). Copy the file to this machine (curl -O, aws s3 cp), or, with a network, install them ` +
        'once: npx duckdb -c "INSTALL httpfs; INSTALL aws"',
      { cause: error },
    );
  }
}

async function loadExtension(name: string, database: Database): Promise<void> {
  try {
    await database.run(`LOAD ${name}`);
  } catch {
    await database.run(`INSTALL ${name}`);
    await database.run(`LOAD ${name}`);
  }
}

/** Expands patterns in `sources`, checks the files, and copies remote CSV files to `folder`. Errors: AppError. */
export async function localCopies(
  sources: readonly string[],
  folder: string,
  database: Database,
): Promise<readonly CsvPath[]> {
  const paths = await expandSources(sources, database);
  const format = formatOf(paths);
  const files: CsvPath[] = [];
  for (const path of paths) {
    checkFile(path, format);
    files.push({ path, file: isRemote(path) && format === 'csv' ? await copyLines(path, folder, database) : path });
  }
  return files;
}

/**
 * Copies a remote text file to `folder`, decompressing the file but not splitting it into lines. Returns the copy's
 * path. Errors: AppError `invalid_data`.
 */
export async function copyLines(path: string, folder: string, database: Database): Promise<string> {
  const copy = join(folder, `${createHash('sha256').update(path).digest('hex')}.csv`);
  const grammar = "auto_detect = false, header = false, strict_mode = false, delim = '\u0001', quote = '', escape = ''";
  const lines = `read_csv(${quotePath(path)}, ${grammar}, columns = {'line': 'VARCHAR'})`;
  const form = `FORMAT csv, HEADER false, DELIMITER '\u0001', QUOTE '', ESCAPE ''`;
  await database.run(`COPY (SELECT line FROM ${lines}) TO ${quoteText(copy)} (${form})`);
  return copy;
}
