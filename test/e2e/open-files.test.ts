/** Too few open files: every process of the program says so in one sentence, and ends. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { Limits } from '../../src/service/limits.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { HAS_PROC } from '../fixture/processes.ts';
import { ROOT } from '../fixture/served.ts';
import { fromSources } from '../fixture/sources.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';

const { model, population } = await tinyWorld();

function serve(openFiles: number, limits: Partial<Limits> = {}, more: readonly string[] = []) {
  const flags = ['--data-dir', temporaryFolder(), '--model', model, '--population', population, '--port', '0', ...more];
  const { status, stdout, stderr } = spawnSync(
    'sh',
    [
      '-c',
      'ulimit -n "$0"; exec "$@"',
      String(openFiles),
      process.execPath,
      ...['scripts/run.mjs', ...fromSources(limits), 'serve', ...flags],
    ],
    { cwd: ROOT, encoding: 'utf8', timeout: 60_000 },
  );
  return { status, lines: `${stdout}${stderr}`.trim().split('\n') };
}

describe.runIf(HAS_PROC)('serve with too few open files', () => {
  it.each([
    ['hardly any', 40, {}, [], /may open 40 files and needs at least 96: raise the limit \(ulimit -n 16384\)$/],
    [
      'too few for the reserve',
      128,
      {},
      [],
      /may open 128 files \(ulimit -n\) and needs at least 526: raise the limit/,
    ],
    [
      'too few for the engine',
      200,
      { reservedDescriptors: 128 },
      ['--threads', '4'],
      /may open 200 files \(ulimit -n\) and needs at least 272: .*lower METAHEAC_THREADS: the engine has 4$/,
    ],
  ])('says so in one line: %s', { timeout: 90_000 }, (_name, openFiles, limits, more, sentence) => {
    const { status, lines } = serve(openFiles, limits, more);
    expect(status).toBe(1);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^metaheac: /);
    expect(lines[0]).toMatch(sentence);
  });
});
