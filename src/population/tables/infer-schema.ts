/** Proposes a schema for user files from statistics about each column. A person then edits the schema. */
import { AppError } from '../../lib/errors.ts';
import { readCsvHead } from '../import/csv-head.ts';
import { type CsvPath, readCsvRows } from '../import/csv-users.ts';
import { type FileFormat, formatOf } from '../import/source-files.ts';
import type { SchemaFile } from '../import/source-schema.ts';
import { type ColumnFacts, FEW, isBracketed, NUMBER } from '../kinds/column-facts.ts';
import { elementOf, quoteName, quoteText, typeGroup } from '../kinds/column-plan.ts';
import { inferKind } from '../kinds/table.ts';
import { type Database, numberOf, quotePath, type Row, textOf, withDatabase } from './database.ts';
import { localCopies } from './remote.ts';
import { findTextList } from './text-lists.ts';

export interface Proposal {
  readonly schema: SchemaFile;
  readonly rows: number;
  readonly columns: readonly ColumnFacts[];
}

type ProposedFeature = SchemaFile['features'][number];

/** Typical names of columns with user ids. */
const ID_NAME = /^(user|customer|client|member|person|account|contact)?_?-? ?(id|no|nr|number|key|uuid)$/i;
const DATE = {
  date: '[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].*)?',
  written: '[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{4}([T ].*)?',
};
/** Numbers with a decimal comma. */
const DECIMAL_COMMA = '[+-]?[0-9]+(,[0-9]+)?';
/** Matches lists of numbers as written in JSON or by a program's print function. */
const BRACKETED = `\\[ *${NUMBER}( *, *${NUMBER})* *\\]`;
/** Minimum mean length of strings that count as free text, in bytes. */
const FREE_TEXT_BYTES = 40;

/**
 * Proposes a schema from the first `rows` rows. Bad lines of a CSV file are skipped. Errors: AppError `invalid_data`.
 */
export async function inferSchema(sources: readonly string[], scratch: string, rows: number): Promise<Proposal> {
  return await withDatabase({ scratch }, async (database) => {
    const paths = await localCopies(sources, scratch, database);
    const names = paths.map(({ path }) => path);
    const { total, types } = await openSample(paths, formatOf(names), rows, database);
    if (total === 0) throw new AppError('invalid_data', `${names.join(', ')} has no rows`);
    const facts: ColumnFacts[] = [];
    for (const [column, type] of types) facts.push(await measure(column, type, database));
    return { schema: propose(facts, total), rows: total, columns: facts };
  });
}

/** Creates the table `sample`, and returns the number of its rows and the types of its columns. */
async function openSample(
  paths: readonly CsvPath[],
  format: FileFormat,
  rows: number,
  database: Database,
): Promise<{ readonly total: number; readonly types: ReadonlyMap<string, string> }> {
  const files = `[${paths.map(({ path }) => quotePath(path)).join(', ')}]`;
  if (format === 'csv') await sampleCsv(paths, rows, database);
  else {
    const from =
      format === 'parquet'
        ? `read_parquet(${files}, binary_as_string = true)`
        : `read_json(${files}, format = 'newline_delimited')`;
    await database.run(`CREATE TEMP TABLE sample AS SELECT * FROM ${from} LIMIT ${rows}`);
  }
  const [count] = await database.rows('SELECT count(*) AS n FROM sample');
  const described = await database.rows('DESCRIBE sample');
  const types = new Map(described.map((row) => [textOf(row, 'column_name'), textOf(row, 'column_type')]));
  return { total: numberOf(count, 'n'), types };
}

/** Skips bad rows. The columns of later files may be in a different order than in the first file. */
async function sampleCsv(paths: readonly CsvPath[], rows: number, database: Database): Promise<void> {
  const [first, ...others] = paths;
  const head = await readCsvHead(first!.path, first!.file);
  const sample: (readonly string[])[] = [];
  for (const { path, file } of [first!, ...others]) {
    if (sample.length === rows) break;
    const own = path === head.path ? head : await readCsvHead(path, file, head.columns[0]!, head.delimiter);
    const places = head.columns.map((name) => own.columns.indexOf(name));
    for await (const batch of readCsvRows(own)) {
      const good = batch.rows.filter((row) => !(row instanceof AppError)) as (readonly string[])[];
      for (const fields of good.slice(0, rows - sample.length)) sample.push(places.map((place) => fields[place] ?? ''));
      if (sample.length === rows) break;
    }
  }
  await database.fillTexts('sample', head.columns, sample);
}

async function measure(column: string, type: string, database: Database): Promise<ColumnFacts> {
  const name = quoteName(column);
  const isList = typeGroup(type) === 'list';
  const text = `NULLIF(${name}::VARCHAR, '')`;
  const count = (pattern: string) => `count(*) FILTER (regexp_full_match(t, ${quoteText(pattern)}))`;
  const length = isList ? `len(${name})` : `CASE WHEN ${text} LIKE '[%' THEN len(string_split(${text}, ',')) END`;
  const [row] = await database.rows(
    `SELECT count(t) AS n, count(DISTINCT t) AS different, any_value(left(t, 60000)) AS example,
       ${count(NUMBER)} AS numbers, ${count('.*[.eE].*')} AS fractions, ${count(DATE.date)} AS dates,
       ${count(DATE.written)} AS written, ${count(`(1[3-9]|2[0-9]|3[01])${DATE.written.slice('[0-9]{1,2}'.length)}`)} AS days,
       ${count('0[0-9]+')} AS zeros, coalesce(avg(strlen(t)), 0)::BIGINT AS bytes,
       ${count(DECIMAL_COMMA)} AS commas, count(*) FILTER (t LIKE '[%') AS bracketed,
       ${count(BRACKETED)} AS bracketed_numbers
     FROM (SELECT ${text} AS t FROM sample)`,
  );
  const [lengths] = await database.rows(`SELECT min(${length}) AS low, max(${length}) AS high FROM sample`);
  const tokens = isList
    ? await database.rows(`SELECT count(DISTINCT t::VARCHAR) AS n FROM (SELECT unnest(${name}) AS t FROM sample)`)
    : [];
  const list = typeGroup(type) === 'text' ? await findTextList(name, database) : null;
  return { ...factsOf(column, type, row!, lengths!, tokens[0]), list };
}

function factsOf(
  column: string,
  type: string,
  row: Row,
  lengths: Row,
  tokens: Row | undefined,
): Omit<ColumnFacts, 'list'> {
  return {
    column,
    type,
    values: numberOf(row, 'n'),
    different: tokens ? numberOf(tokens, 'n') : numberOf(row, 'different'),
    example: textOf(row, 'example'),
    numbers: numberOf(row, 'numbers'),
    fractions: numberOf(row, 'fractions'),
    dates: numberOf(row, 'dates'),
    writtenDates: numberOf(row, 'written'),
    daysFirst: numberOf(row, 'days'),
    leadingZeros: numberOf(row, 'zeros'),
    bytes: numberOf(row, 'bytes'),
    decimalCommas: numberOf(row, 'commas'),
    bracketed: numberOf(row, 'bracketed'),
    bracketedNumbers: numberOf(row, 'bracketed_numbers'),
    shortest: Number(lengths['low'] ?? 0),
    longest: Number(lengths['high'] ?? 0),
  };
}

function propose(facts: readonly ColumnFacts[], rows: number): SchemaFile {
  const isUnique = (fact: ColumnFacts) => fact.values === rows && fact.different > 0.9 * rows;
  const ids = facts.filter(({ type }) => typeGroup(type) === 'text' || typeGroup(type) === 'integer').filter(isUnique);
  const id = ids.find(({ column }) => ID_NAME.test(column)) ?? ids[0];
  const notes: string[] = [`proposed from ${rows} rows. Edit this file before the import`];
  if (!id) notes.push('no column has a different value in every row: set the column of user ids');
  const features: ProposedFeature[] = [];
  for (const fact of facts) {
    if (fact === id) continue;
    const reason = reasonToLeaveOut(fact, rows);
    if (reason === null) features.push(proposeFeature(fact, rows));
    else notes.push(`left out: ${fact.column} (${reason})`);
  }
  return { user_id: id?.column ?? 'user_id', features, notes };
}

/** The reason why a column contains no information for a model; null if the column may be useful. */
function reasonToLeaveOut(fact: ColumnFacts, rows: number): string | null {
  const { type, values, different, bytes } = fact;
  const group = typeGroup(type);
  if (group === 'other') return `of type ${type}`;
  if (values === 0) return 'always empty';
  if (different <= 1 && values === rows) return `a constant: ${fact.example.slice(0, 60)}`;
  const element = elementOf(type);
  if (element !== null && typeGroup(element) === 'float' && fact.shortest !== fact.longest)
    return `lists of ${fact.shortest} to ${fact.longest} numbers, which are neither lists of tokens nor vectors`;
  if (isBracketed(fact)) {
    if (isTextVector(fact)) return null;
    return 'lists in brackets that are not a vector: write them with a separator, or as Parquet or NDJSON';
  }
  if (fact.list !== null) return null;
  const isText = group === 'text' && fact.numbers < values && fact.dates < values && fact.writtenDates < values;
  if (isText && bytes >= FREE_TEXT_BYTES && different > 0.5 * values)
    return `free text: ${different} different values of ${bytes} bytes, for example ${fact.example.slice(0, 60)}`;
  const isWhole = group === 'integer' || (group === 'text' && (fact.numbers < values || fact.fractions === 0));
  if (isWhole && fact.dates < values && fact.writtenDates < values && different > 0.9 * values && values > FEW)
    return `looks like an id: ${different} different values of ${values}`;
  return null;
}

function proposeFeature(fact: ColumnFacts, rows: number): ProposedFeature {
  const { column, type, values, different } = fact;
  const coverage = `${((100 * values) / rows).toFixed(1)} % of rows have a value`;
  const notes = [`${type}: ${coverage}, ${different} different, for example ${fact.example.slice(0, 60)}`];
  return { name: nameOf(column), ...inferKind(fact, notes), ...(nameOf(column) === column ? {} : { column }), notes };
}

function isTextVector({ values, bracketedNumbers, shortest, longest }: ColumnFacts): boolean {
  return bracketedNumbers === values && shortest === longest;
}

function nameOf(column: string): string {
  return ['user_id', 'campaign_id', 'split', 'group'].includes(column) ? `user_${column}` : column.slice(0, 80);
}
