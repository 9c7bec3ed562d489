/** Proposes a schema for files of users: what each column looks like, for somebody to edit. */
import { AppError } from '../../lib/errors.ts';
import { BadRows } from '../bad-rows.ts';
import { checkFile, type FileFormat, formatOf } from '../source-files.ts';
import type { SchemaFile } from '../source-schema.ts';
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
const LIST_SEPARATORS = ['|', ';', ','];
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
  readonly separators: ReadonlyMap<string, number>;
  readonly fractions: number;
  /** Of lists. */
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
  const lists = isList ? `min(len(${name})), max(len(${name}))` : '0, 0';
  const separators = LIST_SEPARATORS.map((by, i) => `count(*) FILTER (contains(t, ${quoteText(by)})) AS s${i}`);
  const [row] = await database.rows(
    `SELECT count(t) AS n, count(DISTINCT t) AS different, any_value(left(t, 60000)) AS example,
       ${count(NUMBER)} AS numbers, ${count('.*[.eE].*')} AS fractions, ${count(DATE.date)} AS dates,
       ${count(DATE.written)} AS written, ${count(`(1[3-9]|2[0-9]|3[01])${DATE.written.slice('[0-9]{1,2}'.length)}`)} AS days,
       ${count('0[0-9]+')} AS zeros, coalesce(avg(strlen(t)), 0)::BIGINT AS bytes, ${separators.join(', ')}
     FROM (SELECT ${text} AS t FROM sample)`,
  );
  const [list] = await database.rows(
    `SELECT ${lists.replace(', max', ' AS low, max')} AS high FROM sample`.replace('0, 0', '0 AS low, 0'),
  );
  const tokens = isList
    ? await database.rows(`SELECT count(DISTINCT t::VARCHAR) AS n FROM (SELECT unnest(${name}) AS t FROM sample)`)
    : [];
  return factsOf(column, type, row!, list!, tokens[0]);
}

function factsOf(column: string, type: string, row: Row, list: Row, tokens: Row | undefined): Measured {
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
    separators: new Map(LIST_SEPARATORS.map((by, i) => [by, numberOf(row, `s${i}`)])),
    shortest: Number(list['low'] ?? 0),
    longest: Number(list['high'] ?? 0),
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
  if (looksLikeList(fact)) return null;
  const isText = group === 'text' && fact.numbers < values && fact.dates < values && fact.writtenDates < values;
  if (isText && bytes >= FREE_TEXT_BYTES && different > 0.5 * values && !isTextList(fact))
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
    if (isVector && fact.shortest === fact.longest) return { kind: 'vector', size: Math.max(fact.longest, 1) };
    if (typeGroup(element) === 'float')
      notes.push('lists of numbers of different lengths: neither tokens nor a vector');
    return { kind: 'multi' };
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
  const { values, different, numbers, example } = fact;
  if (looksLikeList(fact)) {
    const size = example.split(',').length;
    notes.push('texts that look like lists: say vector with its size, or multi with a separator, or leave it out');
    return { kind: 'vector', size };
  }
  const separator = isTextList(fact)
    ? LIST_SEPARATORS.find((by) => fact.separators.get(by)! > 0.2 * values)
    : undefined;
  if (separator !== undefined) {
    notes.push(`${fact.separators.get(separator)} values have ${JSON.stringify(separator)}: taken for a list`);
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

function looksLikeList({ type, example }: Measured): boolean {
  return typeGroup(type) === 'text' && example.startsWith('[');
}

/** Texts of people have commas followed by a space. */
function isTextList({ separators, values, bytes }: Measured): boolean {
  return LIST_SEPARATORS.some((by) => separators.get(by)! > 0.2 * values && (by !== ',' || bytes < FREE_TEXT_BYTES));
}

function nameOf(column: string): string {
  return ['user_id', 'campaign_id', 'split', 'group'].includes(column) ? `user_${column}` : column.slice(0, 80);
}
