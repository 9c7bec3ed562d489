/** Where the package is installed: the folder of its package.json, above the sources as above a build of them. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { assert } from './errors.ts';

/** The nearest folder with `migrations/`, which the package has beside its package.json and its parts have not. */
export const PACKAGE_ROOT = find(import.meta.dirname);

function find(folder: string): string {
  if (existsSync(join(folder, 'migrations')) && existsSync(join(folder, 'package.json'))) return folder;
  assert(folder !== dirname(folder), 'the package has a package.json and migrations');
  return find(dirname(folder));
}
