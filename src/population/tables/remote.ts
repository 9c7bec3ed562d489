/** Expands remote files and file patterns. */
import { AppError, messageOf } from '../../lib/errors.ts';
import { isPattern, isRemote } from '../import/source-files.ts';
import { quoteText } from '../kinds/column-plan.ts';
import { type Database, textOf } from './database.ts';

/**
 * The files of `sources` in order; the files of a pattern are sorted by name. Errors: AppError `invalid_data` if a
 * pattern matches nothing, or if DuckDB's extension for remote files cannot be loaded.
 */
export async function expandSources(sources: readonly string[], database: Database): Promise<string[]> {
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
