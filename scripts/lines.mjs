// Prints the lines of TypeScript of the sources and of the tests, generated code apart, with the ten largest folders.
// Fails above the limits.
import { globSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';

const LIMITS = [
  { folders: ['src', 'packages'], maximum: 117_300 },
  { folders: ['test'], maximum: 95_100 },
];

for (const { folders, maximum } of LIMITS) {
  const paths = globSync(folders.map((folder) => `${folder}/**/*.ts`)).filter(
    (path) => !/generated|node_modules/.test(path),
  );
  const linesOfFolders = {};
  for (const path of paths)
    linesOfFolders[dirname(path)] =
      (linesOfFolders[dirname(path)] ?? 0) + readFileSync(path, 'utf8').split('\n').length - 1;
  const total = Object.values(linesOfFolders).reduce((sum, lines) => sum + lines, 0);
  console.log(`${folders.join(' + ')}: ${total} lines of TypeScript (limit ${maximum})`);
  const largest = Object.entries(linesOfFolders).sort(([, a], [, b]) => b - a);
  for (const [folder, lines] of largest.slice(0, 10)) console.log(`${String(lines).padStart(8)} ${folder}`);
  if (total > maximum) process.exitCode = 1;
}
