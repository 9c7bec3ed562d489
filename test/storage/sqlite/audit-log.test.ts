/** The audit log is append-only in the database itself. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../../src/storage/sqlite/database/database.ts';
import { temporaryFolder } from '../../fixture/folders.ts';

describe('audit_log', () => {
  it('refuses UPDATE, and DELETE of what retention does not give free', () => {
    const database = openDatabase(join(temporaryFolder(), 'metaheac.db'));
    try {
      database.exec("INSERT INTO audit_log (at, actor, action) VALUES (1000, 'a', 'x'), (2000, 'a', 'y')");
      for (const sql of [
        "UPDATE audit_log SET actor = 'b'",
        'DELETE FROM audit_log',
        'DELETE FROM audit_log WHERE number = 1',
        "REPLACE INTO audit_log (number, at, actor, action) VALUES (1, 1, 'b', 'z')",
      ])
        expect(() => database.exec(sql), sql).toThrow('the audit log is append-only');
      database.exec('UPDATE audit_retention SET before = 2000');
      expect(() => database.exec('DELETE FROM audit_log')).toThrow('append-only');
      database.exec('DELETE FROM audit_log WHERE at < 2000');
      expect(database.prepare('SELECT action FROM audit_log').pluck().all()).toEqual(['y']);
    } finally {
      database.close();
    }
  });
});
