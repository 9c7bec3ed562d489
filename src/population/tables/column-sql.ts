/** The columns of a table as SQL that selects a feature's values, and says which of them are bad. */
import { ISO_DATE } from '../../dataset/dates.ts';
import { WRITTEN_DATE } from '../../dataset/written-dates.ts';
import type { ImportLimits } from '../import/import-limits.ts';
import type { SourceFeature, SourceSchema } from '../import/source-schema.ts';
import { type ColumnPlan, type Fault, type TableShape, typeOf, unusable } from './column-plan.ts';
import { elementOf, type TypeGroup, typeGroup } from './column-types.ts';
import { quoteName, quoteText } from './database.ts';
import { vectorPlan } from './vector-sql.ts';

/** What a number looks like that JSON, or any program, writes. */
export const NUMBER = '[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?';

const NUMBER_NEEDED = 'it must be a number that float32 can hold, a date (2026-11-25, 2026-11-25T08:00:00Z) or empty';

/** Plans the column of user ids. Errors: AppError `invalid_data` naming the column. */
export function planUserId(schema: Pick<SourceSchema, 'userId'>, shape: TableShape, limits: ImportLimits): ColumnPlan {
  const column = schema.userId;
  const group = groupOf(shape, column, 'user_id');
  if (group !== 'text' && group !== 'integer') throw unusable(shape, column, 'user ids must be text or whole numbers');
  const limit = limits.maximumUserIdBytes;
  return {
    columns: [column],
    raw: quoteName(column),
    value: '{raw}::VARCHAR',
    faults: [
      {
        when: "{value} IS NULL OR {value} = ''",
        message: `the user id is empty; it must be text of 1 to ${limit} bytes`,
      },
      { when: `strlen({value}) > ${limit}`, message: `the user id is longer than ${limit} bytes` },
    ],
  };
}

/** Plans the column of a feature. Errors: AppError `invalid_data` naming the column. */
export function planFeature(feature: SourceFeature, shape: TableShape, limits: ImportLimits): ColumnPlan {
  if (feature.kind === 'vector') return vectorPlan(feature, shape);
  const { column } = feature;
  const plan = { columns: [column], raw: quoteName(column) };
  const type = typeOf(shape, column, feature.name);
  switch (feature.kind) {
    case 'single':
      return { ...plan, ...singleSql(feature, type, shape, limits) };
    case 'multi':
      return { ...plan, ...listSql(feature, type, shape, limits) };
    case 'number':
      return { ...plan, ...numberSql(feature, typeGroup(type), shape) };
  }
}

type ColumnSql = Pick<ColumnPlan, 'value' | 'faults'>;

function singleSql(feature: SourceFeature, type: string, shape: TableShape, limits: ImportLimits): ColumnSql {
  const group = typeGroup(type);
  if (group === 'float' && feature.format === 'integer') {
    const when = '{raw} IS NOT NULL AND NOT isnan({raw}) AND {value} IS NULL';
    const value = 'CASE WHEN {raw} = trunc({raw}) THEN TRY_CAST({raw} AS BIGINT)::VARCHAR END';
    return {
      value,
      faults: [{ when, message: `the feature "${feature.name}" is {shown}; it must be a whole number` }],
    };
  }
  if (!isTokenGroup(group)) throw unusable(shape, feature.column, tokenAdvice(group, type));
  return { value: "NULLIF({raw}::VARCHAR, '')", faults: [tokenFault(feature, 'strlen({value})', limits)] };
}

function listSql(feature: SourceFeature, type: string, shape: TableShape, limits: ImportLimits): ColumnSql {
  const limit = limits.maximumTokensPerList;
  const faults = [
    { when: `len({value}) > ${limit}`, message: `the feature "${feature.name}" has more than ${limit} tokens` },
    tokenFault(feature, 'list_max(list_transform({value}, lambda t: strlen(t)))', limits),
  ];
  const element = elementOf(type);
  if (element !== null) {
    const group = typeGroup(element);
    if (!isTokenGroup(group)) throw unusable(shape, feature.column, tokenAdvice(group, type));
    return { value: '{raw}::VARCHAR[]', faults };
  }
  if (typeGroup(type) !== 'text') throw unusable(shape, feature.column, `it is ${type}, not a list`);
  if (feature.separator === undefined)
    throw unusable(
      shape,
      feature.column,
      'it is text, not a list: say in the schema by what "separator" its values are',
    );
  return { value: `string_split(NULLIF({raw}, ''), ${quoteText(feature.separator)})`, faults };
}

function numberSql(feature: SourceFeature, group: TypeGroup, shape: TableShape): ColumnSql {
  const { format, column, name } = feature;
  const finite = (double: string) =>
    `CASE WHEN isfinite(TRY_CAST(${double} AS FLOAT)) THEN TRY_CAST(${double} AS FLOAT) END`;
  const isGiven = group === 'text' ? "{raw} IS NOT NULL AND {raw} <> ''" : '{raw} IS NOT NULL';
  const needed = format === undefined ? NUMBER_NEEDED : `its format is ${format}`;
  const fault = (given: string) => [
    { when: `${given} AND {value} IS NULL`, message: `the feature "${name}" is {shown}; ${needed}` },
  ];
  switch (group) {
    case 'text':
      return { value: finite(textNumber(format)), faults: fault(isGiven) };
    case 'float':
    case 'integer':
    case 'boolean': {
      const divisor = divisorOf(format);
      if (divisor === null) throw unusable(shape, column, `it is a number, not text of the format ${format}`);
      const given = group === 'float' ? `${isGiven} AND NOT isnan({raw})` : isGiven;
      return { value: finite(`({raw}::DOUBLE / ${divisor}::DOUBLE)`), faults: fault(given) };
    }
    case 'date':
      if (format !== undefined && format !== 'date') throw unusable(shape, column, `it is a date, not ${format}`);
      return { value: finite(daysOf('{raw}')), faults: fault(isGiven) };
    default:
      throw unusable(shape, column, 'it is neither a number nor a date');
  }
}

/** What a number is divided by; null where the format is one of texts. */
function divisorOf(format: SourceFeature['format']): number | null {
  if (format === 'epoch_s') return 86_400;
  if (format === 'epoch_ms') return 86_400_000;
  return format === undefined || format === 'decimal_comma' ? 1 : null;
}

/** A number, or days since 1970, of a text that is not empty; null where it is neither. */
function textNumber(format: SourceFeature['format']): string {
  const number = (text: string) =>
    `CASE WHEN regexp_full_match(${text}, ${quoteText(NUMBER)}) THEN TRY_CAST(${text} AS DOUBLE) END`;
  const written = (day: number, month: number) => {
    const part = (group: number, length: number) =>
      `lpad(regexp_extract({raw}, ${quoteText(WRITTEN_DATE)}, ${group}), ${length}, '0')`;
    const time = `regexp_extract({raw}, ${quoteText(WRITTEN_DATE)}, 4)`;
    return isoDays(`(${part(3, 4)} || '-' || ${part(month, 2)} || '-' || ${part(day, 2)} || ${time})`);
  };
  switch (format) {
    case undefined:
      return `coalesce(${number('{raw}')}, ${isoDays('{raw}')})`;
    case 'date':
      return isoDays('{raw}');
    case 'date_dmy':
      return written(1, 2);
    case 'date_mdy':
      return written(2, 1);
    case 'epoch_s':
      return `(${number('{raw}')} / 86400::DOUBLE)`;
    case 'epoch_ms':
      return `(${number('{raw}')} / 86400000::DOUBLE)`;
    case 'decimal_comma':
      return `CASE WHEN NOT contains({raw}, '.') THEN ${number("replace({raw}, ',', '.')")} END`;
    case 'integer':
      return 'NULL::DOUBLE';
  }
}

/** DuckDB does not read an offset that follows minutes. */
function isoDays(text: string): string {
  const withSeconds = `regexp_replace(${text}, '^(.{16})(Z|[+-].*)$', '\\1:00\\2')`;
  const days = daysOf(`TRY_CAST(${withSeconds} AS TIMESTAMPTZ)`);
  return `CASE WHEN regexp_full_match(${text}, ${quoteText(ISO_DATE)}) THEN ${days} END`;
}

function daysOf(time: string): string {
  return `(epoch_ms(${time}::TIMESTAMPTZ)::DOUBLE / 86400000::DOUBLE)`;
}

function tokenFault({ name }: SourceFeature, length: string, { maximumTokenBytes }: ImportLimits): Fault {
  const message = `a token of the feature "${name}" is longer than ${maximumTokenBytes} bytes`;
  return { when: `${length} > ${maximumTokenBytes}`, message };
}

function isTokenGroup(group: TypeGroup): boolean {
  return group === 'text' || group === 'integer' || group === 'boolean' || group === 'date';
}

function tokenAdvice(group: TypeGroup, type: string): string {
  if (group !== 'float') return `it is ${type}, not tokens`;
  return `it is ${type}: import it as a number, or say the format integer where 25.0 stands for the token 25`;
}

function groupOf(shape: TableShape, column: string, what: string): TypeGroup {
  return typeGroup(typeOf(shape, column, what));
}
