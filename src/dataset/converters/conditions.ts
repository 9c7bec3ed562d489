/** Conditions on the rows of a log: `Quantity > 0`, `InvoiceNo !~ ^C`. */

import { AppError } from '../../lib/errors.ts';
import { DECIMAL } from '../csv-table.ts';
import { lineError } from '../lines.ts';
import type { RowSource, Value } from '../row-source.ts';
import type { DateOrder } from '../times.ts';
import { requireColumn } from './columns.ts';
import { inferDateOrder, parseTime } from './time.ts';

/** A condition that a row must meet. */
export interface Condition {
  /** The condition as written in the option. */
  readonly text: string;
  readonly column: string;
  /**
   * Whether a row meets the condition. Errors: AppError `invalid_data` naming file:line if a value cannot be compared.
   */
  holds(value: Value, path: string, line: number): boolean;
}

const OPERATORS = ['!=', '<=', '>=', '!~', '=', '<', '>', '~'] as const;
type Operator = (typeof OPERATORS)[number];

/** A column, possibly in quotes; an operator; and a value, possibly in quotes or empty. */
const CONDITION = /^\s*(?:"([^"]+)"|([^"=<>!~]+?))\s*(!=|<=|>=|!~|=|<|>|~)\s*(.*?)\s*$/s;
const DATE = /^\d{4}-\d{2}-\d{2}/;

/**
 * Parses conditions. `=` and `!=` compare text; `<`, `<=`, `>` and `>=` compare numbers, or times if the value is a
 * date like 2026-03-04; `~` and `!~` test whether the value matches a regular expression. An empty value equals only
 * another empty value, and is neither less nor greater than any value. Errors: AppError `invalid_argument` for an
 * invalid condition or an unknown column; the errors of `inferDateOrder`.
 */
export async function readConditions(
  texts: readonly string[],
  source: RowSource,
  order: DateOrder | null,
): Promise<Condition[]> {
  const conditions: Condition[] = [];
  for (const text of texts) {
    const [, quoted, bare, operator, written] = CONDITION.exec(text) ?? [];
    if (operator === undefined) {
      const example = '"Quantity > 0", "InvoiceNo !~ ^C"';
      throw new AppError('invalid_argument', `--where: ${JSON.stringify(text)} is not a condition such as ${example}`);
    }
    const column = quoted ?? bare!;
    requireColumn(source, column, '--where');
    const value = /^(["'])(.*)\1$/s.exec(written!)?.[2] ?? written!;
    const times = DATE.test(value) && '<>'.includes(operator[0]!);
    const columnOrder = times ? (order ?? (await inferDateOrder(source, column))) : null;
    conditions.push({ text, column, holds: testOf(operator as Operator, value, text, columnOrder) });
  }
  return conditions;
}

function testOf(operator: Operator, value: string, text: string, order: DateOrder | null): Condition['holds'] {
  switch (operator) {
    case '=':
      return (found) => textOf(found) === value;
    case '!=':
      return (found) => textOf(found) !== value;
    case '~':
    case '!~': {
      const pattern = patternOf(value, text);
      return (found) => pattern.test(textOf(found)) === (operator === '~');
    }
    default:
      return compare(operator, value, text, order);
  }
}

function compare(
  operator: '<' | '<=' | '>' | '>=',
  value: string,
  text: string,
  order: DateOrder | null,
): Condition['holds'] {
  const isTime = DATE.test(value);
  if (!isTime && !DECIMAL.test(value))
    throw new AppError('invalid_argument', `--where: ${JSON.stringify(text)} must compare with a number or a date`);
  const limit = isTime ? parseTime(value, `--where ${text}`, 1) : Number(value);
  return (found, path, line) => {
    const own = textOf(found).trim();
    if (own === '') return false;
    if (!isTime && !DECIMAL.test(own))
      throw lineError(
        path,
        line,
        `${JSON.stringify(own)} is not a number, but ${JSON.stringify(text)} compares numbers`,
        {
          value: own,
        },
      );
    const number = isTime ? parseTime(own, path, line, order) : Number(own);
    if (operator === '<') return number < limit;
    if (operator === '<=') return number <= limit;
    return operator === '>' ? number > limit : number >= limit;
  };
}

function patternOf(value: string, text: string): RegExp {
  try {
    return new RegExp(value, 'u');
  } catch (cause) {
    const message = `--where: ${JSON.stringify(text)} has no valid regular expression after its operator`;
    throw new AppError('invalid_argument', message, { cause });
  }
}

/** The text of a value. The tokens of a list (from NDJSON) are joined with `|`. */
function textOf(value: Value): string {
  return typeof value === 'string' ? value : (value ?? []).join('|');
}
