/**
 * Reads the files of the Tencent look-alike data: the users, in lines like `uid 1|LBS 810|interest1 69 44 32|..`, the
 * ads, and the users to whom the ads were shown.
 */
import { TextTable } from '../../lib/text/text-table.ts';
import { openDelimited } from '../delimited-source.ts';
import { lineError, readLines } from '../lines.ts';
import { RowBuffer } from '../row-buffer.ts';
import { ColumnSurvey, type Columns, finishSurveys, recordValue, requireColumn } from './columns.ts';
import type { OnProgress } from './new-data-set.ts';
import { type ItemTable, numberOf, readItems } from './tables.ts';
import { NO_TYPES } from './typed-columns.ts';

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

/** An ad with the users in its seed package and its other users, as distinct user numbers in ascending order. */
export interface Ad {
  readonly id: string;
  /** The features of the ad. */
  readonly record: object;
  readonly members: Int32Array;
  readonly others: Int32Array;
}

/** The ads by number, with the text of each ad's id. */
interface AdTable extends ItemTable {
  readonly ids: TextTable;
}

const COLUMNS = ['aid', 'uid', 'label'];
/** No field of these files contains several tokens. */
const NO_SEPARATOR = '\u0000';

/** Reads adFeature.csv; its columns are features. Errors: AppError `invalid_data`, naming file:line. */
export async function readAds(path: string, onProgress: OnProgress): Promise<AdTable> {
  const source = await openDelimited(path, { delimiter: ',' });
  requireColumn(source, 'aid', 'adFeature.csv');
  const ids = new TextTable();
  for await (const rows of source.read(['aid']))
    for (const { line, values } of rows) numberOf(ids, String(values[0] ?? ''), path, line);
  const options = { id: 'aid', leaveOut: [], separator: NO_SEPARATOR, types: NO_TYPES, onProgress };
  return { ids, ...(await readItems(source, ids, new Set(Array(ids.count).keys()), options)) };
}

/**
 * Reads which users the ads were shown to. The files have rows `aid,uid,label`, with or without this header. A user
 * with both labels is a member. Rows whose user or ad is not in the other files are left out, and counted in `notes`.
 * Errors: AppError `invalid_data`, naming file:line.
 */
export async function readShown(
  paths: readonly string[],
  { ids, recordOf }: AdTable,
  users: TextTable,
  onProgress: OnProgress,
): Promise<{ ads: Ad[]; notes: string[] }> {
  const buffers = Array.from({ length: ids.count }, () => new RowBuffer());
  const unknown = { ads: 0, users: 0, firstAd: '', firstUser: '' };
  let rows = 0;
  for (const path of paths) {
    const source = await openDelimited(path, { delimiter: ',', columns: COLUMNS });
    for await (const batch of source.read(COLUMNS)) {
      for (const { line, values } of batch) {
        const [aid, uid, label] = values;
        if (line === 1 && label === 'label') continue;
        if (label !== '1' && label !== '-1' && label !== '0')
          throw lineError(path, line, `the label is ${JSON.stringify(label)}; 1 or -1 is expected`);
        const buffer = buffers[ids.find(String(aid))];
        const user = typeof uid === 'string' ? users.find(uid) : -1;
        if (!buffer) {
          unknown.ads++;
          unknown.firstAd ||= `${path}:${line}`;
        } else if (user < 0) {
          unknown.users++;
          unknown.firstUser ||= `${path}:${line}`;
        } else buffer.add(user, label === '1' ? 1 : 0);
      }
      rows += batch.length;
      onProgress(`reading ${path}: ${rows} rows`);
    }
  }
  const notes = [];
  const left = (count: number, what: string, first: string) =>
    `${count} rows of ${what} are left out; the first is ${first}`;
  if (unknown.ads > 0) notes.push(left(unknown.ads, 'ads that adFeature.csv lacks', unknown.firstAd));
  if (unknown.users > 0) notes.push(left(unknown.users, 'users that userFeature.data lacks', unknown.firstUser));
  const ads = buffers.map((buffer, ad) => ({ id: ids.text(ad), record: recordOf(ad), ...labelled(buffer) }));
  return { ads, notes };
}

/** The members and non-members in the rows, each listed once. */
function labelled(buffer: RowBuffer): Pick<Ad, 'members' | 'others'> {
  const { users, labels } = buffer.rows();
  const of = (label: number) => users.filter((_, i) => labels[i] === label).sort();
  const once = (all: Int32Array) => all.filter((user, i) => i === 0 || user !== all[i - 1]);
  const members = once(of(1));
  const isMember = new Set(members);
  return { members, others: once(of(0)).filter((user) => !isMember.has(user)) };
}
