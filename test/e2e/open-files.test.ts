/** Too few open files: a process that cannot even start says so in one sentence. */
import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { HAS_PROC } from '../fixture/processes.ts';
import { ROOT } from '../fixture/served.ts';

it.runIf(HAS_PROC)('serve with hardly any open files names the limit in one line', { timeout: 90_000 }, () => {
  const command = ['ulimit -n 40; exec "$0" "$@"', process.execPath, 'scripts/run.mjs', 'src/cli/main.ts', 'serve'];
  const { status, stdout, stderr } = spawnSync('sh', ['-c', ...command], {
    cwd: ROOT,
    encoding: 'utf8',
    timeout: 60_000,
  });
  expect([status, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(
    /^metaheac: .*may open 40 files and needs at least 96: raise the limit \(ulimit -n 16384\)\n$/,
  );
});
