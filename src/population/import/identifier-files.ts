/** Reads CSV files of typed identifiers. Plain identifiers are hashed at once and never appear in errors. */
import { lineError } from '../../dataset/lines.ts';
import {
  COUNTRY_CODE,
  IDENTIFIER_TYPE,
  type IdentifierFormat,
  identifierId,
  NOT_AN_IDENTIFIER,
  type RuleName,
  rulesOf,
} from '../../domain/identities.ts';
import { AppError } from '../../lib/errors.ts';
import type { TextTable } from '../../lib/text/text-table.ts';
import { readCsvHead } from './csv-head.ts';
import { readCsvRows } from './csv-users.ts';
import type { ImportErasures } from './import-erasures.ts';
import type { ImportedIdentifiers } from './imported-identifiers.ts';
import { checkFile } from './source-files.ts';

const REQUIRED = ['user_id', 'type', 'rule', 'value'] as const;
const OPTIONAL = ['hashed', 'country_code'] as const;

type Fields = Readonly<Record<(typeof REQUIRED)[number] | (typeof OPTIONAL)[number], string>>;

interface IdentifierSink {
  readonly directory: TextTable;
  readonly erased: ImportErasures;
  readonly identifiers: ImportedIdentifiers;
}

/**
 * Reads files with the columns `user_id`, `type`, `rule`, `value` and, optionally, `hashed` (`true` or `false`) and
 * `country_code`. Identifiers of users who are not in the directory, and erased identifiers, are skipped and counted.
 * @throws AppError invalid_data (file:line, without the value)
 */
export async function readIdentifierFiles(
  paths: readonly string[],
  { directory, erased, identifiers }: IdentifierSink,
): Promise<void> {
  for (const path of paths) {
    for await (const [fields, line] of readFields(path)) {
      const format = formatOf(fields);
      if (typeof format === 'string') throw lineError(path, line, format);
      const id = identifierId(fields.value, format);
      if (id === null) throw lineError(path, line, NOT_AN_IDENTIFIER);
      const userNumber = directory.find(fields.user_id);
      if (userNumber < 0) identifiers.unknown += 1;
      else if (erased.has(id)) identifiers.erased += 1;
      else identifiers.add(id, userNumber);
    }
  }
}

async function* readFields(path: string): AsyncGenerator<readonly [Fields, number]> {
  checkFile(path, 'csv');
  const head = await readCsvHead(path, path, 'user_id');
  const missing = REQUIRED.find((name) => !head.columns.includes(name));
  if (missing !== undefined) throw lineError(path, 1, `the header lacks the column "${missing}"`);
  const columns = [...REQUIRED, ...OPTIONAL].map((name) => [name, head.columns.indexOf(name)] as const);
  for await (const { rows, lines } of readCsvRows(head)) {
    for (const [i, row] of rows.entries()) {
      if (row instanceof AppError) throw row;
      yield [Object.fromEntries(columns.map(([name, at]) => [name, row[at] ?? ''])) as Fields, lines[i]!];
    }
  }
}

/** Returns the format of a row's value, or what is wrong with the row. */
function formatOf({ type, rule, hashed, country_code: countryCode }: Fields): IdentifierFormat | string {
  if (!IDENTIFIER_TYPE.test(type)) return 'the type is not email, phone, maid, uid2, rampid or custom:<name>';
  const rules: readonly string[] = rulesOf(type);
  if (!rules.includes(rule)) return `the rule of the type ${type} is not one of ${rules.join(', ')}`;
  if (!['', 'true', 'false'].includes(hashed)) return '"hashed" is not true or false';
  if (countryCode !== '' && !COUNTRY_CODE.test(countryCode)) return '"country_code" is not one to three digits';
  return { type, rule: rule as RuleName, isHashed: hashed === 'true', countryCode: countryCode || null };
}
