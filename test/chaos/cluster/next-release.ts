/**
 * The program of the next release, as far as a cluster notices: these sources with a higher version, and with steps of
 * migration (`expand`) that add a column to each table.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readSteps } from '../../../src/storage/postgres/database/migrations.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
/** Copied, because a module's place says which release it belongs to. */
const OWN = ['src', 'packages', 'migrations', 'scripts', 'test/fixture/with-limits.mjs'];
/** What is the same in both releases. */
const SHARED = ['node_modules', 'console', 'dist', 'package-lock.json'];
const STEPS = 'migrations/postgres';

export interface Release {
  readonly version: string;
  /** The folder that has its program. */
  readonly folder: string;
}

/** These sources. */
export function thisRelease(): Release {
  return { version: versionOf(ROOT), folder: ROOT };
}

/** Makes the program of the next release in a new folder. */
export function makeNextRelease(folder: string): Release {
  mkdirSync(join(folder, 'test'), { recursive: true });
  for (const path of OWN) cpSync(join(ROOT, path), join(folder, path), { recursive: true });
  for (const path of SHARED) symlinkSync(join(ROOT, path), join(folder, path));
  const [major, minor] = versionOf(ROOT).split('.').map(Number);
  const version = `${major}.${minor! + 1}.0`;
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...descriptionOf(ROOT), version }));
  let number = readSteps(join(folder, STEPS)).at(-1)!.number;
  for (const table of tables()) {
    const name = `${String(++number).padStart(4, '0')}-next-release-of-${table.replaceAll('_', '-')}.sql`;
    const sql = `-- expand: a column that only the next release knows\nALTER TABLE ${table} ADD COLUMN of_next_release text;\n`;
    writeFileSync(join(folder, STEPS, name), sql);
  }
  return { version, folder };
}

function versionOf(folder: string): string {
  return descriptionOf(folder).version;
}

function descriptionOf(folder: string): { readonly version: string } {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

/** The tables of the current release. */
function tables(): readonly string[] {
  const folder = join(ROOT, STEPS);
  const sql = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
  const made = new Set(
    sql.flatMap((text) => [...text.matchAll(/^CREATE (?:UNLOGGED )?TABLE (\w+)/gm)].map(([, table]) => table!)),
  );
  for (const text of sql) for (const [, table] of text.matchAll(/^DROP TABLE (\w+)/gm)) made.delete(table!);
  return [...made];
}
