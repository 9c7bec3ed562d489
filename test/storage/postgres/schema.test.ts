/** Both dialects of the schema have the same tables and columns, and the values of the domain. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SCOPES } from '../../../src/domain/api-keys.ts';
import { FEEDBACK_EVENTS } from '../../../src/domain/feedback.ts';
import { EXPANSION_STATES } from '../../../src/domain/states.ts';
import { CAUSES, CHANGE_KINDS } from '../../../src/domain/types.ts';
import { DELIVERY_STATES } from '../../../src/domain/webhook-types.ts';
import type { Database } from '../../../src/storage/postgres/database/database.ts';
import { readSteps } from '../../../src/storage/postgres/database/migrations.ts';
import { openDatabase } from '../../../src/storage/postgres/database/open.ts';
import {
  MIGRATIONS_FOLDER,
  openDatabase as openSqlite,
  readMigrations,
} from '../../../src/storage/sqlite/database/database.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { describeWithPostgres, openPostgres } from '../../fixture/postgres.ts';

/** Tables that only one of the stores needs. */
const ONLY_IN_SQLITE = ['schema_sum', 'sqlite_sequence'];
const ONLY_IN_POSTGRES = [
  'leaders',
  'members',
  'range_offers',
  'ranges',
  'request_counts',
  'schema_steps',
  'served',
  'unused_blobs',
];

/** The types of Postgres for each type of SQLite. */
const TYPES: Readonly<Record<string, readonly string[]>> = {
  TEXT: ['text', 'json'],
  INTEGER: ['bigint', 'boolean'],
  REAL: ['double precision'],
};

/** The first step of Postgres makes what the first steps of SQLite have made, up to this number. */
const BASELINE = 16;

interface Column {
  readonly type: string;
  readonly isNullable: boolean;
}

/** Columns by `table.column`. */
type Schema = ReadonlyMap<string, Column>;

function sqliteSchema(): Schema {
  const database = openSqlite(join(temporaryFolder(), 'metaheac.db'));
  try {
    const rows = database
      .prepare(
        `SELECT t.name || '.' || c.name AS name, c.type, c."notnull" = 0 AND c.pk = 0 AS isNullable
         FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'`,
      )
      .all() as { name: string; type: string; isNullable: number }[];
    return new Map(rows.map(({ name, type, isNullable }) => [name, { type, isNullable: isNullable === 1 }]));
  } finally {
    database.close();
  }
}

async function postgresSchema(database: Database): Promise<Schema> {
  const rows = await database.all<Column & { readonly name: string }>(
    `SELECT c.table_name || '.' || c.column_name AS name, c.data_type AS type, c.is_nullable = 'YES' AS "isNullable"
     FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
     WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE'`,
  );
  return new Map(rows.map(({ name, ...column }) => [name, column]));
}

/** The columns of all tables but these, in order. */
function without(schema: Schema, tables: readonly string[]): string[] {
  return [...schema.keys()].filter((name) => !tables.includes(name.split('.')[0]!)).sort();
}

describeWithPostgres('the schemas', () => {
  let database: Database;
  beforeAll(async () => {
    database = await openDatabase(await openPostgres());
  });
  afterAll(() => database?.close());

  it('have the same tables and columns', async () => {
    expect(without(await postgresSchema(database), ONLY_IN_POSTGRES)).toEqual(without(sqliteSchema(), ONLY_IN_SQLITE));
  });

  it('have tables of their own where the stores differ, and no others', async () => {
    const tables = (schema: Schema) => new Set([...schema.keys()].map((name) => name.split('.')[0]!));
    const [sqlite, postgres] = [tables(sqliteSchema()), tables(await postgresSchema(database))];
    expect([...sqlite].filter((name) => !postgres.has(name)).sort()).toEqual(ONLY_IN_SQLITE);
    expect([...postgres].filter((name) => !sqlite.has(name)).sort()).toEqual(ONLY_IN_POSTGRES);
  });

  it('have columns of the same types, which may be null in both or in neither', async () => {
    const postgres = await postgresSchema(database);
    const differing = [...sqliteSchema()].flatMap(([name, { type, isNullable }]) => {
      const column = postgres.get(name);
      if (column === undefined) return [];
      const isSame = TYPES[type]?.includes(column.type) && column.isNullable === isNullable;
      return isSame ? [] : [{ name, type, isNullable, postgres: column }];
    });
    expect(differing).toEqual([]);
  });

  it.each([
    ['expansions', 'state', EXPANSION_STATES],
    ['expansions', 'cause', CAUSES],
    ['webhook_deliveries', 'state', DELIVERY_STATES],
    ['changes', 'kind', CHANGE_KINDS],
    ['feedback', 'event', FEEDBACK_EVENTS],
    ['api_keys', 'scope', SCOPES],
  ] as const)('allow the values of the domain in %s.%s, and nothing else', async (table, column, known) => {
    const rows = await database.all<{ readonly definition: string }>(
      `SELECT pg_get_constraintdef(oid) AS definition FROM pg_constraint
       WHERE conrelid = @table::regclass AND contype = 'c'`,
      { table },
    );
    const check = rows.find(({ definition }) => definition.startsWith(`CHECK ((${column} = ANY`));
    expect(check, `a check of ${table}.${column}`).toBeDefined();
    expect([...check!.definition.matchAll(/'([^']*)'::text/g)].map(([, value]) => value).sort()).toEqual(
      [...known].sort(),
    );
  });

  it('are changed by steps of one list: a number has the same name in both', () => {
    const names = new Map(readMigrations(MIGRATIONS_FOLDER).map(({ number, name }) => [number, name]));
    const both = readSteps().filter(({ number }) => number > BASELINE && names.has(number));
    expect(both.map(({ name }) => name)).toEqual(both.map(({ number }) => names.get(number)));
  });
});
