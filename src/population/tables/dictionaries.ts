/** Assigns codes to the tokens of a table through a DuckDB ENUM with the same positions as the population's table. */
import type { Feature } from '../../dataset/features.ts';
import { AppError, assert } from '../../lib/errors.ts';
import { columnOf } from '../../lib/feature-kinds.ts';
import { FULL, ILL_FORMED, type TextTable } from '../../lib/text/text-table.ts';
import type { ImportLimits } from '../import/import-limits.ts';
import type { Database } from './database.ts';

/** A number above the length of any list, so that row * SPAN + position orders all tokens of a table. */
const SPAN = 16_777_216;

/** Converts the tokens of a feature to codes. */
export interface TokenCodes {
  /** ENUM type; null if there are no tokens. */
  readonly type: string | null;
  /** Whether a list has empty or null tokens, which are left out. */
  readonly hasEmpty: boolean;
}

/** The tokens to read, in the column `column` of the view `source`. */
export interface TokenSource {
  readonly feature: Feature;
  readonly column: string;
  /** Name of a table of row numbers to leave out, or null. */
  readonly leftOut: string | null;
}

/**
 * Adds new tokens to `dictionary` in the order of their first appearance (by row, then by position in the list), and
 * creates an ENUM type of all its tokens. Errors: AppError `invalid_data`.
 */
export async function encodeTokens(
  { feature, column, leftOut }: TokenSource,
  dictionary: TextTable,
  limits: ImportLimits,
  database: Database,
  onPercent?: (percent: number) => void,
): Promise<TokenCodes> {
  assert(limits.maximumTokensPerList < SPAN, 'positions fit');
  const [seen, known, type] = [`seen_${column}`, `known_${column}`, `tokens_${column}`];
  const isList = columnOf(feature.kind) === 'multi';
  const place = isList ? `"row" * ${SPAN} + generate_subscripts(${column}, 1)` : '"row"';
  const where = leftOut === null ? '' : `WHERE "row" NOT IN (SELECT i FROM ${leftOut})`;
  const tokens = `SELECT ${isList ? `unnest(${column})` : column} AS t, ${place} AS place FROM source ${where}`;
  await database.run(
    `CREATE TEMP TABLE ${seen} AS SELECT t, min(place) AS place FROM (${tokens}) GROUP BY t`,
    onPercent,
  );
  const [empty] = await database.rows(`SELECT count(*) > 0 AS has FROM ${seen} WHERE t IS NULL OR t = ''`);
  const first = dictionary.count;
  await database.fillTexts(known, textsOf(dictionary));
  const fresh = `SELECT t, place FROM ${seen} WHERE t <> '' AND t NOT IN (SELECT t FROM ${known})`;
  for await (const chunk of database.stream(`SELECT t FROM (${fresh}) ORDER BY place`)) {
    for (const token of chunk.getColumnValues(0)) {
      assert(typeof token === 'string', 'a token is text');
      add(token, feature, dictionary, limits);
    }
  }
  if (dictionary.count > 0) {
    const numbered = `SELECT t, ${first} + row_number() OVER (ORDER BY place) AS i FROM (${fresh})`;
    await database.run(
      `CREATE TYPE ${type} AS ENUM (SELECT t FROM (SELECT t, i FROM ${known} UNION ALL ${numbered}) ORDER BY i)`,
    );
  }
  await database.run(`DROP TABLE ${seen}; DROP TABLE ${known}`);
  return { type: dictionary.count > 0 ? type : null, hasEmpty: isList && empty?.['has'] === true };
}

/**
 * SQL for the codes of a column: INTEGER, or INTEGER[] for a list. `mayMiss`: tokens may be unknown, because the rows
 * to leave out are also read.
 */
export function codesSql({ kind }: Feature, column: string, codes: TokenCodes, mayMiss: boolean): string {
  const isList = columnOf(kind) === 'multi';
  if (codes.type === null) return isList ? 'NULL::INTEGER[]' : '0::INTEGER';
  const cast = mayMiss ? 'TRY_CAST' : 'CAST';
  if (!isList) return `coalesce(enum_code(${cast}(${column} AS ${codes.type}))::INTEGER + 1, 0)`;
  const list = codes.hasEmpty ? `list_filter(${column}, lambda t: t <> '')` : column;
  return `list_transform(${cast}(${list} AS ${codes.type}[]), lambda t: enum_code(t)::INTEGER + 1)`;
}

function add(token: string, { name }: Feature, dictionary: TextTable, limits: ImportLimits): void {
  const index = dictionary.add(token, limits.maximumTokenBytes);
  if (index >= 0 && index < limits.maximumTokensPerDictionary) return;
  assert(index !== ILL_FORMED, 'DuckDB has no text that is not UTF-8');
  assert(index >= 0 || index === FULL, 'the lengths of tokens were checked');
  const message = `the dictionary of the feature "${name}" is full: too many different tokens`;
  throw new AppError('invalid_data', message, {
    details: [{ pointer: name, message, limit: limits.maximumTokensPerDictionary }],
  });
}

function* textsOf(table: TextTable): Generator<string> {
  for (let i = 0; i < table.count; i++) yield table.text(i);
}
