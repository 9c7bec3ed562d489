/** Proposes a schema for files of users: what each column looks like, for somebody to edit. */
import { AppError } from '../../lib/errors.ts';
import { BadRows } from '../import/bad-rows.ts';
import { checkFile, type FileFormat, formatOf } from '../import/source-files.ts';
import type { SchemaFile } from '../import/source-schema.ts';
import { NUMBER } from './column-sql.ts';
import { elementOf, typeGroup } from './column-types.ts';
import {
  type Database,
  numberOf,
  quoteName,
  quotePath,
  quoteText,
  type Row,
  textOf,
  withDatabase,
} from './database.ts';
import { openTables, type Tables } from './open-tables.ts';
import { expandSources } from './remote.ts';
import { findTextList, type TextList } from './text-lists.ts';

/** What a column is like, of the rows that were looked at. */
export interface ColumnFacts {
  readonly column: string;
  readonly type: string;
  /** Rows with a value. */
  readonly values: number;
  /** Different values (of a list: different tokens). */
  readonly different: number;
  readonly example: string;
}

export interface Proposal {
  readonly schema: SchemaFile;
  readonly rows: number;
  readonly columns: readonly ColumnFacts[];
}

type ProposedFeature = SchemaFile['features'][number];

/** Names that a column of user ids has. */
const ID_NAME = /^(user|customer|client|member|person|account|contact)?_?-? ?(id|no|nr|number|key|uuid)$/i;
const DATE = {
  date: '[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].*)?',
  written: '[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{4}([T ].*)?',
};
/** Numbers with a comma in place of the point. */
const DECIMAL_COMMA = '[+-]?[0-9]+(,[0-9]+)?';
/** Lists of numbers as JSON, or a program's print, writes them. */
const BRACKETED = `\\[ *${NUMBER}( *, *${NUMBER})* *\\]`;
/** Bytes of a text from which it looks written by people. */
const FREE_TEXT_BYTES = 40;
/** A number of so few different values may be a code. */
const FEW = 20;

/**
 * Looks at the first `rows` rows. Bad lines of a CSV file are passed over. Errors: AppError `invalid_data`.
 */
export async function inferSchema(sources: readonly string[], scratch: string, rows: number): Promise<Proposal> {
  return await withDatabase({ scratch }, async (database) => {
    const paths = await expandSources(sources, database);
    const format = formatOf(paths);
    for (const path of paths) checkFile(path, format);
    const { total, types } = await openSample(paths, format, scratch, rows, database);
    if (total === 0) throw new AppError('invalid_data', `${paths.join(', ')} has no rows`);
    const facts: Measured[] = [];
    for (const [column, type] of types) facts.push(await measure(column, type, database));
    return { schema: propose(facts, total), rows: total, columns: facts };
  });
}

interface Measured extends ColumnFacts {
  readonly numbers: number;
  readonly dates: number;
  readonly writtenDates: number;
  /** Values whose first part is above 12: a day. */
  readonly daysFirst: number;
  readonly leadingZeros: number;
  readonly bytes: number;
  /** The list that its texts are. */
  readonly list: TextList | null;
  readonly fractions: number;
  readonly decimalCommas: number;
  /** Texts in square brackets, and those of them that are lists of numbers. */
  readonly bracketed: number;
  readonly bracketedNumbers: number;
  /** Of lists, also of those in brackets. */
  readonly shortest: number;
  readonly longest: number;
}

async function openSample(
  paths: readonly string[],
  format: FileFormat,
  scratch: string,
  rows: number,
  database: Database,
): Promise<{ readonly total: number; readonly types: ReadonlyMap<string, string> }> {
  if (format === 'ndjson') {
    const files = `[${paths.map(quotePath).join(', ')}]`;
    await database.run(
      `CREATE TEMP TABLE sample AS SELECT * FROM read_json(${files}, format = 'newline_delimited') LIMIT ${rows}`,
    );
  } else {
    const options = { format, userId: null, scratch, badRows: new BadRows(Number.MAX_SAFE_INTEGER) };
    const tables: Tables = await openTables(paths, database, { ...options, pick: (shape) => [...shape.types.keys()] });
    await database.run(`CREATE TEMP VIEW sample AS SELECT * EXCLUDE ("row") FROM tables WHERE "row" < ${rows}`);
    return { total: Math.min(rows, tables.rows), types: tables.shape.types };
  }
  const [count] = await database.rows('SELECT count(*) AS n FROM sample');
  const described = await database.rows('DESCRIBE sample');
  const types = new Map(described.map((row) => [textOf(row, 'column_name'), textOf(row, 'column_type')]));
  return { total: numberOf(count, 'n'), types };
}

async function measure(column: string, type: string, database: Database): Promise<Measured> {
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
): Omit<Measured, 'list'> {
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

function propose(facts: readonly Measured[], rows: number): SchemaFile {
  const isUnique = (fact: Measured) => fact.values === rows && fact.different > 0.9 * rows;
  const ids = facts.filter(({ type }) => typeGroup(type) === 'text' || typeGroup(type) === 'integer').filter(isUnique);
  const id = ids.find(({ column }) => ID_NAME.test(column)) ?? ids[0];
  const notes: string[] = [`made of ${rows} rows. Edit this file before the import`];
  if (!id) notes.push('no column has another value in every row: say which one is the user id');
  const features: ProposedFeature[] = [];
  for (const fact of facts) {
    if (fact === id) continue;
    const reason = reasonToLeaveOut(fact, rows);
    if (reason === null) features.push(proposeFeature(fact, rows));
    else notes.push(`left out: ${fact.column} (${reason})`);
  }
  return { user_id: id?.column ?? 'user_id', features, notes };
}

/** Why a column says nothing that a model could learn; null for one that may. */
function reasonToLeaveOut(fact: Measured, rows: number): string | null {
  const { type, values, different, bytes } = fact;
  const group = typeGroup(type);
  if (group === 'other') return `of type ${type}`;
  if (values === 0) return 'always empty';
  if (different <= 1 && values === rows) return `a constant: ${fact.example.slice(0, 60)}`;
  const element = elementOf(type);
  if (element !== null && typeGroup(element) === 'float' && fact.shortest !== fact.longest)
    return `lists of ${fact.shortest} to ${fact.longest} numbers, which are neither tokens nor a vector`;
  if (isBracketed(fact)) {
    if (isTextVector(fact)) return null;
    return 'lists in brackets that are no vector: write them with a separator, or in Parquet or NDJSON';
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

function proposeFeature(fact: Measured, rows: number): ProposedFeature {
  const { column, type, values, different } = fact;
  const coverage = `${((100 * values) / rows).toFixed(1)} % of rows have a value`;
  const notes = [`${type}: ${coverage}, ${different} different, for example ${fact.example.slice(0, 60)}`];
  return { name: nameOf(column), ...kindOf(fact, notes), ...(nameOf(column) === column ? {} : { column }), notes };
}

function kindOf(fact: Measured, notes: string[]): Omit<ProposedFeature, 'name'> {
  const { type, values, numbers, different } = fact;
  const element = elementOf(type);
  if (element !== null) {
    const isVector = typeGroup(element) === 'float' || (typeGroup(element) === 'integer' && fact.shortest > 1);
    if (!isVector || fact.shortest !== fact.longest) return { kind: 'multi' };
    if (typeGroup(element) === 'integer')
      notes.push('lists of whole numbers, all as long: kind multi if they are codes');
    return { kind: 'vector', size: Math.max(fact.longest, 1) };
  }
  const group = typeGroup(type);
  if (group === 'date' || fact.dates === values)
    return { kind: 'number', ...(group === 'text' ? { format: 'date' as const } : {}) };
  if (group === 'float') return { kind: 'number' };
  if (group === 'boolean') return { kind: 'single' };
  if (fact.writtenDates === values) return writtenDate(fact, notes);
  if (numbers === values) {
    if (fact.leadingZeros > 0) {
      notes.push('numbers with leading zeros: taken as tokens');
      return { kind: 'single' };
    }
    if (different <= FEW && fact.fractions === 0)
      notes.push('few whole numbers: kind single if they are codes, not amounts');
    return { kind: 'number' };
  }
  return textKind(fact, notes);
}

function textKind(fact: Measured, notes: string[]): Omit<ProposedFeature, 'name'> {
  const { values, different, numbers, list } = fact;
  if (isBracketed(fact)) return { kind: 'vector', size: fact.longest };
  if (isDecimalComma(fact)) {
    notes.push('numbers with a decimal comma: kind multi with the separator "," if they are lists of codes');
    return { kind: 'number', format: 'decimal_comma' };
  }
  if (list?.kind === 'numbers') return { kind: 'vector', size: list.size, separator: list.separator };
  if (list !== null) {
    const { separator } = list;
    notes.push(`${list.values} values have ${JSON.stringify(separator)}: taken for a list`);
    return { kind: 'multi', separator };
  }
  if (numbers > 0.9 * values) notes.push(`${values - numbers} values are no numbers: mend them, and say number`);
  if (different > 0.5 * values && values > FEW) notes.push('nearly every user has another value: an id or free text?');
  return { kind: 'single' };
}

function writtenDate(fact: Measured, notes: string[]): Omit<ProposedFeature, 'name'> {
  if (fact.daysFirst > 0) return { kind: 'number', format: 'date_dmy' };
  notes.push('day or month first? no value says: date_dmy or date_mdy');
  return { kind: 'number', format: 'date_mdy' };
}

function isBracketed({ type, values, bracketed }: Measured): boolean {
  return typeGroup(type) === 'text' && bracketed > 0.5 * values;
}

function isTextVector({ values, bracketedNumbers, shortest, longest }: Measured): boolean {
  return bracketedNumbers === values && shortest === longest;
}

function isDecimalComma({ values, decimalCommas, numbers }: Measured): boolean {
  return decimalCommas === values && numbers < values;
}

function nameOf(column: string): string {
  return ['user_id', 'campaign_id', 'split', 'group'].includes(column) ? `user_${column}` : column.slice(0, 80);
}
