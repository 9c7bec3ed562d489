/** SIGTERM to what a supervisor may have started: npm, or scripts/run.mjs. The service ends, and nothing is left. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../fixture/folders.ts';
import { groupOf, HAS_PROC } from '../fixture/processes.ts';
import { ROOT, Served } from '../fixture/served.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';

const world = await tinyWorld();
/** What was promised of a shutdown, and as much again for a machine that does other things too. */
const STOP_SECONDS = 20;

/** Starts `scripts/run.mjs serve` without npm; resolves once it listens. */
async function startScript(): Promise<ChildProcess> {
  const { model, population } = world;
  const flags = ['--data-dir', temporaryFolder(), '--model', model, '--population', population, '--port', '0'];
  const script = spawn(
    process.execPath,
    ['scripts/run.mjs', 'src/cli/main.ts', 'serve', ...flags, '--threads', '1', '--device', 'cpu'],
    { cwd: ROOT, detached: true, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  onTestFinished(() => {
    for (const pid of groupOf(script.pid!)) process.kill(pid, 'SIGKILL');
  });
  for await (const data of script.stderr!.iterator({ destroyOnReturn: false }))
    if (String(data).includes('metaheac is listening')) break;
  script.stderr!.resume();
  return script;
}

describe.skipIf(!HAS_PROC)('a service that is started by a script', () => {
  it('ends on SIGTERM to npm, which waits for it', { timeout: 120_000 }, async () => {
    const served = await Served.start({ ...world, dataDir: temporaryFolder(), isThroughNpm: true });
    const { api, group } = served;
    expect(api).not.toBe(group);
    process.kill(group, 'SIGTERM');
    const { code, signal, seconds } = await served.exited();
    expect([code, signal]).toEqual([0, null]);
    expect(seconds).toBeLessThan(STOP_SECONDS);
    // the engine may be gone a moment after its parent
    await expect.poll(() => groupOf(group), { timeout: 20_000 }).toEqual([]);
  });

  it('ends on SIGTERM to scripts/run.mjs', { timeout: 120_000 }, async () => {
    const script = await startScript();
    const exit = once(script, 'exit');
    script.kill('SIGTERM');
    expect(await exit).toEqual([0, null]);
    await expect.poll(() => groupOf(script.pid!), { timeout: 20_000 }).toEqual([]);
  });
});
