/** Columns: written by the keys of an object, read by a list, and bound only by name. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { plain, readRow, selectList } from '../../../src/storage/rows/columns.ts';
import { flag, insertRow, json, toFlag, toJson, updateRow } from '../../../src/storage/sqlite/database/columns.ts';
import { openDatabase } from '../../../src/storage/sqlite/database/database.ts';
import { temporaryFolder } from '../../fixture/folders.ts';

const SQL = `CREATE TABLE pets (
  number INTEGER PRIMARY KEY, name TEXT NOT NULL, tame INTEGER NOT NULL DEFAULT 1, toys TEXT, food TEXT) STRICT`;
const COLUMNS = {
  name: plain<string>('p.name'),
  shouted: plain<string>('upper(p.name)'),
  isTame: flag('p.tame'),
  toys: json<string[] | null>('p.toys'),
  food: json<object | null>('p.food'),
};

const open = () => openDatabase(join(temporaryFolder(), 'a.db'), [{ number: 1, name: 'pets', sql: SQL }]);

it('writes the given columns and leaves the rest, and reads all of them', () => {
  const database = open();
  const read = (number: number) => {
    const sql = `SELECT ${selectList(COLUMNS)} FROM pets p WHERE number = @number`;
    return readRow(COLUMNS, database.prepare(sql).get({ number }));
  };
  const given = { name: 'tom', tame: toFlag(undefined), toys: toJson(['ball']), food: toJson(null) };
  const tom = insertRow(database, 'pets', given);
  expect(read(tom)).toEqual({ name: 'tom', shouted: 'TOM', isTame: true, toys: ['ball'], food: null });
  const ann = insertRow(database, 'pets', { name: 'ann', tame: toFlag(false) });
  updateRow(database, 'pets', ann, { name: undefined, food: toJson({}) });
  expect(read(ann)).toEqual({ name: 'ann', shouted: 'ANN', isTame: false, toys: null, food: {} });
  expect(read(tom)).toMatchObject({ name: 'tom', food: null });
  database.close();
});

it('does not compile with positional parameters', () => {
  const database = open();
  const statement = database.prepare('SELECT @a').pluck();
  expect(statement.get({ a: 1 })).toBe(1);
  // @ts-expect-error
  expect(() => statement.get(1)).toThrow();
  database.close();
});
