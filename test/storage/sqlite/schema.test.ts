/** The schema and the domain agree: a state that one of them does not have is found here, not in production. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SCOPES } from '../../../src/domain/api-keys.ts';
import { FEEDBACK_EVENTS } from '../../../src/domain/feedback.ts';
import { EXPANSION_STATES } from '../../../src/domain/states.ts';
import { CAUSES, CHANGE_KINDS } from '../../../src/domain/types.ts';
import { DELIVERY_STATES } from '../../../src/domain/webhook-types.ts';
import { openDatabase } from '../../../src/storage/sqlite/database/database.ts';
import { temporaryFolder } from '../../fixture/folders.ts';

/** The values that `CHECK (column IN (...))` of a table allows, after all migrations. */
function checkedValues(table: string, column: string): string[] {
  const database = openDatabase(join(temporaryFolder(), 'metaheac.db'));
  try {
    const sql = database.prepare('SELECT sql FROM sqlite_master WHERE name = @table').pluck().get({ table }) as string;
    const list = new RegExp(`CHECK \\(${column} IN \\(([^)]*)\\)\\)`).exec(sql)?.[1];
    expect(list, `a check of ${table}.${column}`).toBeDefined();
    return list!.split(',').map((value) => value.trim().slice(1, -1));
  } finally {
    database.close();
  }
}

describe('CHECK constraints', () => {
  it.each([
    ['expansions', 'state', EXPANSION_STATES],
    ['expansions', 'cause', CAUSES],
    ['webhook_deliveries', 'state', DELIVERY_STATES],
    ['changes', 'kind', CHANGE_KINDS],
    ['feedback', 'event', FEEDBACK_EVENTS],
    ['api_keys', 'scope', SCOPES],
  ] as const)('of %s.%s allow the values of the domain, and nothing else', (table, column, known) => {
    expect(checkedValues(table, column).sort()).toEqual([...known].sort());
  });
});
