// A hash of the console's sources, stored with the build, so that a missing or outdated build is found without relying
// on file times. `node sources.mjs [folder]` writes it.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const SOURCES = ['src', 'public', 'index.html', 'package.json', 'tsconfig.json', 'vite.config.ts', 'sources.mjs'];
const STAMP = '.sources';

/** Where the server looks for the build. */
export const BUILD = join(HERE, '../dist/console');

/** Whether the build in `folder` was made from the current sources. */
export function isFresh(folder = BUILD) {
  const stamp = join(folder, STAMP);
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === hashOfSources();
}

export function stamp(folder = BUILD) {
  writeFileSync(join(folder, STAMP), hashOfSources());
}

function hashOfSources() {
  const hash = createHash('sha256');
  for (const path of SOURCES.flatMap(filesOf).sort()) hash.update(`${path}\0`).update(readFileSync(join(HERE, path)));
  return hash.digest('hex');
}

function filesOf(path) {
  if (!existsSync(join(HERE, path))) return [];
  const entries = path.includes('.') ? null : readdirSync(join(HERE, path), { recursive: true, withFileTypes: true });
  if (entries === null) return [path];
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(HERE.length));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) stamp(process.argv[2]);
