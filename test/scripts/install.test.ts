/** What every script of `npm run` does first: packages that are missing; and what it runs then. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../architecture/files.ts';
import { useFolders } from '../fixture/folders.ts';

const newFolder = useFolders();

/**
 * A repository of a script and of installed packages, and an npm that writes down its arguments and ends with a code.
 */
function repository({
  packages,
  code = 0,
  args = ['entry.mjs'],
}: {
  packages: boolean;
  code?: number;
  args?: string[];
}) {
  const root = newFolder();
  mkdirSync(join(root, 'scripts'));
  for (const name of ['run.mjs', 'install.mjs', 'node.mjs', 'open-files.mjs'])
    copyFileSync(join(ROOT, 'scripts', name), join(root, 'scripts', name));
  writeFileSync(join(root, 'entry.mjs'), "process.stdout.write('entered');");
  const lock = JSON.stringify({ packages: { '': {}, 'node_modules/knip': { version: '1.0.0' } } });
  writeFileSync(join(root, 'package-lock.json'), lock);
  mkdirSync(join(root, 'node_modules/knip'), { recursive: true });
  writeFileSync(join(root, 'node_modules/knip/package.json'), '{"bin":{"knip":"./tool.mjs","other":"./other.mjs"}}');
  writeFileSync(join(root, 'node_modules/knip/tool.mjs'), 'process.stdout.write(process.argv.slice(2).join())');
  if (packages) writeFileSync(join(root, 'node_modules/.package-lock.json'), lock);
  const cli = join(root, 'npm-cli.js');
  writeFileSync(
    cli,
    `require('node:fs').appendFileSync('npm.log', process.argv.slice(2).join(' ') + '\\n');
     process.exit(${code});`,
  );
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/run.mjs', ...args], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, npm_execpath: cli },
  });
  const log = join(root, 'npm.log');
  const calls = existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n') : [];
  return { status, stdout, stderr, calls };
}

const CI = 'ci --include=dev --no-audit --no-fund';
const SAID = 'Installing the packages of package-lock.json ...\n';

describe('scripts/run.mjs', () => {
  it('does not call npm if all packages are installed', () => {
    expect(repository({ packages: true })).toEqual({ status: 0, stdout: 'entered', stderr: '', calls: [] });
  });

  it('installs missing packages', () => {
    expect(repository({ packages: false })).toEqual({ status: 0, stdout: 'entered', stderr: SAID, calls: [CI] });
  });

  it('exits with the code of a failed installation', () => {
    const stderr = `${SAID}npm ci failed: see above.\n`;
    expect(repository({ packages: false, code: 3 })).toEqual({ status: 3, stdout: '', stderr, calls: [CI] });
  });

  it('runs npm without installing anything first', () => {
    const { status, calls } = repository({ packages: false, code: 4, args: ['npm', 'ci', '--include=dev'] });
    expect([status, calls]).toEqual([4, ['ci --include=dev']]);
  });

  it('runs a tool by its name, with its arguments', () => {
    const args = ['knip', '--strict', 'a'];
    expect(repository({ packages: true, args })).toEqual({ status: 0, stdout: '--strict,a', stderr: '', calls: [] });
  });
});
