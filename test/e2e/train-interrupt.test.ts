/** Ctrl-C while a model is trained: it ends soon, with the checkpoint. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { generateDataSet } from '../../src/dataset/synthetic/synthetic.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { program } from '../fixture/program.ts';
import { ROOT } from '../fixture/served.ts';

it('training ends within 10 s of Ctrl-C, with exit code 130 and a checkpoint', { timeout: 240_000 }, async () => {
  const folder = temporaryFolder();
  const [data, out] = [join(folder, 'data'), join(folder, 'model')];
  await generateDataSet({ out: data, users: 1_000, trainCampaigns: 8, testCampaigns: 2, seed: '7', world: 'demo' });
  const args = ['train', '--data', data, '--out', out, '--threads', '1', '--device', 'cpu'];
  const child = spawn(process.execPath, [program(), ...args], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  const trains = new Promise<void>((resolve) => {
    child.stderr.on('data', (data: Buffer) => {
      stderr += data;
      if (/validation AUC/.test(stderr)) resolve();
    });
  });
  const exit = once(child, 'exit');
  await Promise.race([trains, exit]);
  expect(child.exitCode, stderr).toBeNull();
  const start = performance.now();
  child.kill('SIGINT');
  const [code] = await exit;
  expect(performance.now() - start).toBeLessThan(10_000);
  expect(code, stderr).toBe(130);
  expect(stderr).toContain('train again with --resume to continue');
  expect(existsSync(`${out}.checkpoint`)).toBe(true);
});
