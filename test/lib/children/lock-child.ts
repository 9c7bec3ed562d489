/**
 * Takes a lock, says so and holds it until it is killed; or takes and returns it again and again, counting overlaps.
 */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { awaitFileLock, tryFileLock } from '../../../src/lib/files/file-lock.ts';

/** Longer than any test waits. */
const LONG_MS = 600_000;

const [path, turns] = process.argv.slice(2) as [string, string?];
if (turns === undefined) {
  process.stdout.write(tryFileLock(path) === null ? 'refused\n' : 'held\n');
  setTimeout(() => {}, LONG_MS);
} else {
  const mark = `${path}.inside`;
  let overlaps = 0;
  for (let turn = 0; turn < Number(turns); turn++) {
    const release = (await awaitFileLock(path, LONG_MS))!;
    if (existsSync(mark)) overlaps += 1;
    writeFileSync(mark, '');
    rmSync(mark);
    release();
  }
  process.stdout.write(`${overlaps} overlaps\n`);
}
