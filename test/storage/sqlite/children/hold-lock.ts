/** A process that locks a data folder, says so, and holds it until it is killed; exits with 1 if it is refused. */
import { writeSync } from 'node:fs';
import type { AppError } from '../../../../src/lib/errors.ts';
import { lockDataFolder } from '../../../../src/storage/sqlite/database/data-folder.ts';

try {
  lockDataFolder(process.argv[2]!);
  writeSync(1, 'locked\n');
  setInterval(() => {}, 1000);
} catch (error) {
  writeSync(1, `refused: ${(error as AppError).code}\n`);
  process.exitCode = 1;
}
