/** The migration files: `migrations/NNNN-name.sql`, numbered from 0001 without a gap. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '../../lib/errors.ts';
import { PACKAGE_ROOT } from '../../lib/package-root.ts';

export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
}

/** The migrations of a folder in order; a gap, a repetition or a name of another form is a bug of this version. */
export function readMigrations(folder: string): readonly Migration[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name, i) => {
      const number = Number(/^(\d{4})-[a-z0-9-]+\.sql$/.exec(name)?.[1]);
      assert(number === i + 1, `migration ${name} is not number ${i + 1}`);
      return { number, name, sql: readFileSync(join(folder, name), 'utf8') };
    });
}

/** The migrations that belong to this code. */
export const MIGRATIONS_FOLDER = join(PACKAGE_ROOT, 'migrations');
