/** Runs the command line in its own PID namespace beside the service, as in another container. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { UNSHARE } from '../fixture/unshare.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PATIENCE_MS = 120_000;
const PAUSE_MS = 200;

/** `metaheac population erase` of one user, repeated until it succeeds: a disk may be full, or a database busy. */
export async function eraseElsewhere(
  { population, dataDir }: { readonly population: string; readonly dataDir: string },
  user: string,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'metaheac-erase-'));
  const ids = join(folder, 'ids.txt');
  writeFileSync(ids, `${user}\n`);
  const [command, ...flags] = UNSHARE;
  const erase = ['population', 'erase', population, '--ids', ids, '--data-dir', dataDir];
  const args = [...flags, process.execPath, 'scripts/run.mjs', 'src/cli/main.ts', ...erase];
  const end = performance.now() + PATIENCE_MS;
  try {
    for (;;) {
      const error = await promisify(execFile)(command!, args, { cwd: ROOT }).then(
        () => null,
        (cause: Error) => cause,
      );
      if (error === null) return;
      if (performance.now() > end) throw error;
      await sleep(PAUSE_MS);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
