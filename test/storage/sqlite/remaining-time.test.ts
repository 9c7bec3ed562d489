/** Estimates of remaining time from the rows of recent expansions and of the queue. */
import Sqlite from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { remainingTimes } from '../../../src/storage/sqlite/remaining-time.ts';

/** One expansion that took a second, one that waits with a job, and one without a job. */
function tables(): Sqlite.Database {
  const database = new Sqlite(':memory:');
  database.exec(`
    CREATE TABLE expansions (number INTEGER, state TEXT, seeds_known INTEGER, positives INTEGER, progress REAL,
      timings TEXT, computed_with TEXT);
    CREATE TABLE jobs (number INTEGER, turn INTEGER, expansion INTEGER, owner TEXT);
    INSERT INTO expansions VALUES
      (1, 'ready', 50, 0, 1, '{}', '{"threads":1,"threadSeconds":{"adapting":0.5,"reporting":0.25,"scoring":0.25}}'),
      (2, 'queued', 50, 0, 0, NULL, NULL),
      (3, 'queued', 50, 0, 0, NULL, NULL);
    INSERT INTO jobs VALUES (1, 1, 2, NULL);
  `);
  return database;
}

describe('remainingTimes', () => {
  it('is the time of a similar expansion, and null for one that has ended or has no job', () => {
    const remaining = remainingTimes(tables() as unknown as Parameters<typeof remainingTimes>[0]);
    expect(remaining({ number: 2, state: 'queued' })).toBe(1000);
    expect(remaining({ number: 1, state: 'ready' })).toBeNull();
    expect(remaining({ number: 3, state: 'queued' })).toBeNull();
  });
});
