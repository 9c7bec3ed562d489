// Checks the licence of every package in the lock file, including those of other platforms: `npm run check:licences`,
// or `node scripts/licences.mjs FILE` for another lock file.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import satisfies from 'spdx-satisfies';

/** Licences that require only a notice; packages installed with the service may have these. */
const PERMISSIVE = [
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'Unlicense',
];
/** Development tools, which are not distributed, may also have these. */
const OF_DEVELOPMENT = [...PERMISSIVE, 'CC-BY-3.0', 'MPL-2.0', 'Python-2.0'];

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { packages } = JSON.parse(readFileSync(process.argv[2] ?? join(root, 'package-lock.json'), 'utf8'));
const counts = { installed: 0, development: 0 };
const faults = [];
for (const [path, { version, license, dev, link }] of Object.entries(packages)) {
  if (path === '' || link) continue;
  counts[dev ? 'development' : 'installed'] += 1;
  const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
  const allowed = dev ? OF_DEVELOPMENT : PERMISSIVE;
  if (typeof license !== 'string') faults.push(`${name}@${version} names no licence`);
  else if (!isAllowed(license, allowed)) faults.push(`${name}@${version} has the licence ${license}`);
}
for (const fault of faults) console.error(`${fault}: not in the lists of scripts/licences.mjs`);
if (faults.length > 0) process.exit(1);
console.log(
  `licences: ${counts.installed} packages installed with the service, ${counts.development} for development, all permissive`,
);

/** Whether licences of a list can satisfy an SPDX expression; false if it is not such an expression. */
function isAllowed(expression, allowed) {
  try {
    return satisfies(expression, allowed);
  } catch {
    return false;
  }
}
