// The one version of everything that a release contains. package.json has the original; `npm run changeset version`
// copies it to the other files, and scripts/release.mjs refuses a tree in which they differ.
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MANIFEST = /(?<=^ {2}"version": ")[^"]+/gm;
/** Where the version stands: all matches of the pattern in the file. */
export const VERSIONED = {
  'package.json': MANIFEST,
  'package-lock.json': /(?<=^( {2}| {6}"name": "metaheac(-console)?",\n {6})"version": ")[^"]+/gm,
  'console/package.json': MANIFEST,
  ...Object.fromEntries(globSync('packages/*/package.json', { cwd: ROOT }).map((path) => [path, MANIFEST])),
  'openapi.yaml': /(?<=^ {2}version: ).+/gm,
  'packages/client-python/metaheac_client/operations.py': /(?<=^VERSION = ")[^"]+/gm,
  'CHANGELOG.md': /(?<=^# Changelog\n\n## ).+/g,
};

/** Returns the versions in each file, without repetitions. */
export function versionsIn(root) {
  return Object.entries(VERSIONED).flatMap(([path, pattern]) => {
    const found = new Set(readFileSync(join(root, path), 'utf8').match(pattern) ?? ['none']);
    return [...found].map((version) => ({ path, version }));
  });
}

export function writeVersion(root, version) {
  for (const [path, pattern] of Object.entries(VERSIONED)) {
    const text = readFileSync(join(root, path), 'utf8');
    writeFileSync(join(root, path), text.replace(pattern, version));
  }
}
