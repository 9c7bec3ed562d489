/** Rows of user sets: which files of `seeds/` are somebody's. */
import type { Database } from './database.ts';
import type { SeedSet } from './seed-files.ts';

/** Records a set whose file is on the disk; runs inside the caller's transaction. */
export function recordSet(database: Database, { sha256, users, sizeBytes }: SeedSet, now: number): void {
  database
    .prepare('INSERT INTO user_sets (sha256, users, size_bytes, created_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING')
    .run(sha256, users, sizeBytes, now);
}
