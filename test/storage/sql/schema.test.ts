/** Both dialects of the schema have the same tables and columns, and the values of the domain. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { SCOPES } from '../../../src/domain/api-keys.ts';
import { CAUSES, CHANGE_CAUSES, VERSION_CAUSES } from '../../../src/domain/changes.ts';
import { FEEDBACK_EVENTS } from '../../../src/domain/feedback.ts';
import { EXPANSION_STATES } from '../../../src/domain/states.ts';
import { DELIVERY_STATES } from '../../../src/domain/webhook-types.ts';
import type { PostgresDatabase } from '../../../src/storage/postgres/database/database.ts';
import { readSteps } from '../../../src/storage/postgres/database/migrations.ts';
import {
  type Connection,
  DATABASE_FILE,
  MIGRATIONS_FOLDER,
  openForReading,
  readMigrations,
} from '../../../src/storage/sqlite/database/database.ts';
import { dataFolder } from '../../fixture/folders.ts';
import { describeWithPostgres } from '../../fixture/postgres.ts';
import { newNodes } from './nodes.ts';

/** Tables that only one of the stores needs. */
const ONLY_IN_SQLITE = ['announcements', 'schema_sum', 'sqlite_sequence'];
const ONLY_IN_POSTGRES = ['leaders', 'members', 'range_offers', 'ranges', 'request_counts', 'schema_steps', 'served'];

/** The types of Postgres for each type of SQLite. */
const TYPES: Readonly<Record<string, readonly string[]>> = {
  TEXT: ['text', 'json'],
  INTEGER: ['bigint', 'boolean'],
  REAL: ['double precision'],
};

interface Column {
  readonly type: string;
  readonly isNullable: boolean;
}

/** Columns by `table.column`. */
type Schema = ReadonlyMap<string, Column>;

/** Calls `work` with databases of both dialects. */
async function withBoth(work: (sqlite: Connection, postgres: PostgresDatabase) => Promise<void>): Promise<void> {
  const { database: postgres } = await (await newNodes()).open();
  const sqlite = openForReading(join(dataFolder(), DATABASE_FILE));
  try {
    await work(sqlite, postgres);
  } finally {
    sqlite.close();
  }
}

function sqliteSchema(database: Connection): Schema {
  const rows = database
    .prepare(
      `SELECT t.name || '.' || c.name AS name, c.type, c."notnull" = 0 AND c.pk = 0 AS isNullable
       FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'`,
    )
    .all() as { name: string; type: string; isNullable: number }[];
  return new Map(rows.map(({ name, type, isNullable }) => [name, { type, isNullable: isNullable === 1 }]));
}

async function postgresSchema(database: PostgresDatabase): Promise<Schema> {
  const rows = await database.all<Column & { readonly name: string }>(
    `SELECT c.table_name || '.' || c.column_name AS name, c.data_type AS type, c.is_nullable = 'YES' AS "isNullable"
     FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
     WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE'`,
  );
  return new Map(rows.map(({ name, ...column }) => [name, column]));
}

const tableOf = (name: string) => name.split('.')[0]!;

/** What differs between two schemas, apart from tables that only one of them has. */
function differences(sqlite: Schema, postgres: Schema): string[] {
  return [...new Set([...sqlite.keys(), ...postgres.keys()])].filter((name) => {
    if ([...ONLY_IN_SQLITE, ...ONLY_IN_POSTGRES].includes(tableOf(name))) return false;
    const [one, other] = [sqlite.get(name), postgres.get(name)];
    return !one || !other || !TYPES[one.type]?.includes(other.type) || one.isNullable !== other.isNullable;
  });
}

/** The values that `CHECK (column IN (...))` of a table allows. */
function checkedBySqlite(database: Connection, table: string, column: string): string[] {
  const sql = database.prepare('SELECT sql FROM sqlite_master WHERE name = @table').pluck().get({ table }) as string;
  return valuesIn(new RegExp(`CHECK \\(${column} IN \\(([^)]*)\\)\\)`).exec(sql)?.[1]);
}

async function checkedByPostgres(database: PostgresDatabase, table: string, column: string): Promise<string[]> {
  const rows = await database.all<{ readonly definition: string }>(
    `SELECT pg_get_constraintdef(oid) AS definition FROM pg_constraint
     WHERE conrelid = @table::regclass AND contype = 'c'`,
    { table },
  );
  return valuesIn(rows.find(({ definition }) => definition.startsWith(`CHECK ((${column} = ANY`))?.definition);
}

const valuesIn = (check = '') => [...check.matchAll(/'([^']*)'/g)].map(([, value]) => value!).sort();

describeWithPostgres('the schemas', () => {
  it('have the same tables, with the same columns and types', () =>
    withBoth(async (sqlite, postgres) => {
      const [one, other] = [sqliteSchema(sqlite), await postgresSchema(postgres)];
      const only = (from: Schema, without: Schema) => {
        const tables = new Set([...without.keys()].map(tableOf));
        return [...new Set([...from.keys()].map(tableOf))].filter((name) => !tables.has(name)).sort();
      };
      expect(only(one, other)).toEqual(ONLY_IN_SQLITE);
      expect(only(other, one)).toEqual(ONLY_IN_POSTGRES);
      expect(differences(one, other)).toEqual([]);
    }));

  it.each([
    ['expansions', 'state', EXPANSION_STATES],
    ['expansions', 'cause', CAUSES],
    ['webhook_deliveries', 'state', DELIVERY_STATES],
    ['changes', 'cause', CHANGE_CAUSES],
    ['audiences', 'cause', VERSION_CAUSES],
    ['feedback', 'event', FEEDBACK_EVENTS],
    ['api_keys', 'scope', SCOPES],
  ] as const)('allow the values of the domain in %s.%s, and nothing else', (table, column, known) =>
    withBoth(async (sqlite, postgres) => {
      expect(checkedBySqlite(sqlite, table, column)).toEqual([...known].sort());
      expect(await checkedByPostgres(postgres, table, column)).toEqual([...known].sort());
    }),
  );

  it('are changed by steps of one list: a number has the same name in both', () => {
    const names = new Map(readMigrations(MIGRATIONS_FOLDER).map(({ number, name }) => [number, name]));
    const both = readSteps().filter(({ number }) => names.has(number));
    expect(both.map(({ name }) => name)).toEqual(both.map(({ number }) => names.get(number)));
  });
});
