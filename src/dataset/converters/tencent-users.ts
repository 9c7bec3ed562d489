/** Reads the users file of the Tencent look-alike data. Its lines look like `uid 1|LBS 810|interest1 69 44 32|..`. */

import type { TextTable } from '../../lib/text/text-table.ts';
import { lineError, readLines } from '../lines.ts';
import { ColumnSurvey, type Columns, finishSurveys, recordValue } from './columns.ts';
import type { OnProgress } from './new-data-set.ts';
import { numberOf } from './tables.ts';

const USER_ID = 'uid';
/** The separator between the fields of a line. `VALUES` separates a field's name from its values. */
const FIELDS = '|';
const VALUES = ' ';

/**
 * Reads the file once. Every user gets a number, starting at 0, and every field becomes a feature, in alphabetical
 * order. Errors: AppError `invalid_data`, naming file:line, for a line with a missing or duplicate id, and for a field
 * that appears twice.
 */
export async function surveyUserFeatures(path: string, users: TextTable, onProgress: OnProgress): Promise<Columns> {
  const surveys = new Map<string, ColumnSurvey>();
  for await (const { firstLine, lines } of readLines(path)) {
    for (let i = 0; i < lines.length; i++) {
      if (lines[i] === '') continue;
      const line = firstLine + i;
      let id = '';
      for (const [name, value] of fieldsOf(lines[i]!, path, line)) {
        if (name === USER_ID) {
          id = value;
          continue;
        }
        const survey = surveys.get(name) ?? new ColumnSurvey(name, VALUES);
        surveys.set(name, survey);
        survey.add(value);
      }
      if (id === '') throw lineError(path, line, `the line has no ${USER_ID}`);
      const known = users.count;
      if (numberOf(users, id, path, line) < known) throw lineError(path, line, `${USER_ID} ${id} appears twice`);
    }
    onProgress(`reading ${path}: ${users.count} users`);
  }
  if (users.count === 0) throw lineError(path, 1, 'the file is empty');
  const ordered = [...surveys.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  return finishSurveys(ordered, 'field of users');
}

/** Reads the file again and converts it to the text of users.ndjson. */
export async function* readUserFeatures(
  path: string,
  { features }: Columns,
  onProgress: OnProgress,
): AsyncGenerator<string, void, void> {
  let users = 0;
  for await (const { firstLine, lines } of readLines(path)) {
    const texts: string[] = [];
    for (let i = 0; i < lines.length; i++) {
      if (lines[i] === '') continue;
      const fields = new Map(fieldsOf(lines[i]!, path, firstLine + i));
      const record: Record<string, unknown> = { user_id: fields.get(USER_ID) };
      for (const feature of features) record[feature.name] = recordValue(fields.get(feature.name) ?? null, feature);
      texts.push(`${JSON.stringify(record)}\n`);
    }
    users += texts.length;
    onProgress(`writing ${users} users`);
    yield texts.join('');
  }
}

/** The fields of a line: for each field, its name and the text after the name. */
function fieldsOf(text: string, path: string, line: number): [string, string][] {
  return text.split(FIELDS).map((field) => {
    const end = field.indexOf(VALUES);
    if (field === '' || end === 0)
      throw lineError(path, line, `${JSON.stringify(field)} is not a field: its name is missing`);
    return end < 0 ? [field, ''] : [field.slice(0, end), field.slice(end + 1)];
  });
}
