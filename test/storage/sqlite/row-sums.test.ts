/** Checksums of rows: stored by SQLite, compared in slices, and damaged rows are named. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openUpkeep } from '../../../src/storage/sqlite/adapter.ts';
import { MIGRATIONS_FOLDER, openDatabase, readMigrations } from '../../../src/storage/sqlite/database/database.ts';
import { connect } from '../../../src/storage/sqlite/database/driver.ts';
import { findDamagedRows } from '../../../src/storage/sqlite/database/row-sums.ts';
import { temporaryFolder } from '../../fixture/folders.ts';

const ROWS = 600;

/** Campaigns c-1 to c-600 and feedback, in a file without a log. */
function makeFolder(): string {
  const folder = temporaryFolder();
  const database = openDatabase(join(folder, 'metaheac.db'));
  database.transaction(() => {
    const campaign = database.prepare(
      `INSERT INTO campaigns (id, name, features, unknown_features, missing_features, audience, created_at)
       VALUES (@id, @name, '{"category":"shoes"}', 0, 0, '{"size":5}', 1)`,
    );
    const feedback = database.prepare("INSERT INTO feedback VALUES (@i, @user, 'click', 5)");
    for (let i = 1; i <= ROWS; i++) {
      campaign.run({ id: `c-${i}`, name: `name of ${i}.` });
      feedback.run({ i, user: `user ${i}.` });
    }
    database.exec("INSERT INTO webhooks VALUES (1, 'w', 'https://x.example', '[]', '', 1, NULL, NULL, 1, 1)");
    database.exec("INSERT INTO webhook_secrets VALUES (1, 'secret one', NULL), (1, 'secret two', 5)");
  })();
  database.pragma('wal_checkpoint(TRUNCATE)');
  database.close();
  return folder;
}

/** Changes a byte of a text in the file, at its first place there or at all of them. */
function damage(folder: string, text: string, which: 'first' | 'all' = 'all'): void {
  const file = join(folder, 'metaheac.db');
  const bytes = readFileSync(file);
  let at = bytes.indexOf(text);
  expect(at, text).toBeGreaterThan(0);
  for (; at > 0; at = which === 'all' ? bytes.indexOf(text, at + 1) : -1) bytes[at + 1]! ^= 4;
  writeFileSync(file, bytes);
}

function damagedRows(file: string): unknown {
  const database = connect(file, { readonly: true });
  const slices = findDamagedRows(database);
  let next = slices.next();
  while (!next.done) next = slices.next();
  database.close();
  return next.value;
}

describe('sums of rows', () => {
  it('cover all tables, and name a damaged row', async () => {
    const folder = makeFolder();
    const file = join(folder, 'metaheac.db');
    expect(damagedRows(file)).toEqual([]);
    damage(folder, 'name of 571.');
    expect(damagedRows(file)).toEqual([{ table: 'campaigns', id: 'c-571' }]);
    const upkeep = await openUpkeep(folder);
    // the index of names differs from the row, too
    expect((await upkeep.faults())[0]).toMatch(/^row c-571 of campaigns is damaged .* restore a backup/);
    await upkeep.close();
  });

  it('never show a user id or a secret', async () => {
    const folder = makeFolder();
    damage(folder, 'user 7.', 'first');
    damage(folder, 'secret two', 'first');
    const upkeep = await openUpkeep(folder);
    const all = await upkeep.faults();
    await upkeep.close();
    expect(all.join('\n')).toMatch(/feedback/);
    expect(all.join('\n')).toMatch(/webhook_secrets/);
    expect(all.join('\n')).not.toMatch(/user 7|secret two/);
  });

  it('are copied with the row by VACUUM INTO and by backup: damage stays damage', async () => {
    const folder = makeFolder();
    damage(folder, 'name of 3.');
    const database = connect(join(folder, 'metaheac.db'));
    const [vacuumed, backedUp] = [join(folder, 'vacuumed.db'), join(folder, 'backup.db')];
    database.prepare('VACUUM INTO @vacuumed').run({ vacuumed });
    await database.backup(backedUp);
    database.exec('VACUUM');
    database.close();
    for (const file of [vacuumed, backedUp, join(folder, 'metaheac.db')])
      expect(damagedRows(file)).toEqual([{ table: 'campaigns', id: 'c-3' }]);
  });

  it('are created for a database of the previous version, once even with several openings', () => {
    const folder = temporaryFolder();
    const file = join(folder, 'metaheac.db');
    const all = readMigrations(MIGRATIONS_FOLDER);
    const before = all.slice(
      0,
      all.findIndex(({ name }) => name.includes('row-sums')),
    );
    openDatabase(file, before).close();
    openDatabase(file).close();
    const database = openDatabase(file);
    const names = database
      .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'sqlite_*' ORDER BY name")
      .pluck()
      .all();
    const summed = database
      .prepare("SELECT tbl_name FROM sqlite_master WHERE name GLOB 'sum_*' ORDER BY 1")
      .pluck()
      .all();
    expect(summed).toEqual(names);
    database.close();
  });

  it('reveal an altered schema, header or sequence', async () => {
    const folder = makeFolder();
    const database = connect(join(folder, 'metaheac.db'));
    database.exec("UPDATE sqlite_sequence SET seq = 5 WHERE name = 'campaigns'; DROP INDEX audit_log_by_time");
    database.close();
    const upkeep = await openUpkeep(folder);
    expect(await upkeep.faults()).toEqual([
      'the schema was altered (its checksum differs)',
      `table campaigns has a row with number ${ROWS}, but the last recorded number is 5`,
    ]);
    await upkeep.close();
  });
});
