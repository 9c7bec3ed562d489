/** `metaheac backup` and `metaheac restore`. */
import type { Clock } from '../../lib/clock.ts';
import { AppError } from '../../lib/errors.ts';
import type { Output } from '../../lib/output.ts';
import { backUpStore, locateStore, openUpkeep, restoreStore } from '../../store/open-store.ts';
import { checkDataFolder } from '../data-folder-check.ts';

export interface BackupCommandOptions {
  readonly out: string;
  readonly copy?: boolean;
  readonly json?: boolean;
}

export async function backupCommand(
  dataDir: string,
  { out, copy = false, json = false }: BackupCommandOptions,
  clock: Clock,
  output: Output,
): Promise<void> {
  const report = await backUpStore(locateStore(dataDir), out, { now: clock.now(), copy });
  refuseDamage(out, 'the backup was made, and is as damaged as the data folder');
  const { files, bytes, attempts } = report;
  if (json) output.result(JSON.stringify({ out, files, bytes, database_copies: attempts }));
  else output.result(`${files} files, ${megabytes(bytes)}, in ${out}: all whole`);
}

export interface RestoreCommandOptions {
  readonly to: string;
  readonly json?: boolean;
}

export async function restoreCommand(
  from: string,
  { to, json = false }: RestoreCommandOptions,
  output: Output,
): Promise<void> {
  const { files, bytes } = await restoreStore(locateStore(to), from);
  if (json) output.result(JSON.stringify({ to, files, bytes }));
  else output.result(`${files} files, ${megabytes(bytes)}, in ${to}: each with its sha256`);
}

/** What is in a backup is checked as `verify` checks a data folder. */
function refuseDamage(folder: string, what: string): void {
  const upkeep = openUpkeep(locateStore(folder));
  try {
    const { faults } = checkDataFolder(upkeep, { isAlone: false });
    if (faults.length === 0) return;
    const [{ path, message }] = faults as [{ path: string; message: string }];
    throw new AppError('storage_failed', `${what}: ${path}: ${message} (${faults.length} in all; run metaheac verify)`);
  } finally {
    upkeep.close();
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
