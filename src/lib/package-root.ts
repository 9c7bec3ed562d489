/** The folder that contains the package's package.json, and the package's version. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { assert } from './errors.ts';

/** The nearest parent folder with both a package.json and `migrations/`. Nested packages have no migrations. */
export const PACKAGE_ROOT = find(import.meta.dirname);

export const PACKAGE_VERSION: string = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8')).version;

function find(folder: string): string {
  if (existsSync(join(folder, 'migrations')) && existsSync(join(folder, 'package.json'))) return folder;
  assert(folder !== dirname(folder), 'the package has a package.json and migrations');
  return find(dirname(folder));
}
