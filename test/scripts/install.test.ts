/**
 * What `npm test` and `npm run metaheac` do first: packages that are missing, and a binding that another Node compiled.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useFolders } from '../fixture/folders.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const BINDING = 'node_modules/better-sqlite3/build/Release/better_sqlite3.node';
const newFolder = useFolders();

/** What is found in place of the right binding: a file, or none. */
type Binding = 'right' | 'wrong' | 'missing';

/**
 * A repository of a script and of installed packages, and an npm that writes down its arguments and puts a binding in
 * place.
 */
function repository({ packages, before, after }: { packages: boolean; before: Binding; after: Binding }) {
  const root = newFolder();
  const put = (binding: Binding, path: string) => {
    mkdirSync(dirname(path), { recursive: true });
    if (binding === 'right') copyFileSync(join(ROOT, BINDING), path);
    if (binding === 'wrong') writeFileSync(path, 'compiled for another Node');
  };
  mkdirSync(join(root, 'scripts'));
  for (const name of ['run.mjs', 'install.mjs', 'console.mjs', 'open-files.mjs'])
    copyFileSync(join(ROOT, 'scripts', name), join(root, 'scripts', name));
  writeFileSync(join(root, 'entry.mjs'), "process.stdout.write('entered');");
  const lock = JSON.stringify({ packages: { '': {}, 'node_modules/better-sqlite3': { version: '1.0.0' } } });
  writeFileSync(join(root, 'package-lock.json'), lock);
  put(before, join(root, BINDING));
  put(after, join(root, 'made.node'));
  if (packages) writeFileSync(join(root, 'node_modules/.package-lock.json'), lock);
  const cli = join(root, 'npm-cli.js');
  writeFileSync(
    cli,
    `const fs = require('node:fs');
     fs.appendFileSync('npm.log', process.argv.slice(2).join(' ') + '\\n');
     fs.rmSync('${BINDING}', { force: true });
     if (fs.existsSync('made.node')) fs.copyFileSync('made.node', '${BINDING}');`,
  );
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/run.mjs', 'entry.mjs'], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, npm_execpath: cli },
  });
  const log = join(root, 'npm.log');
  const calls = existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n') : [];
  return { status, stdout, stderr, calls };
}

/** From Node 22 on no binding is compiled, and none is looked for. */
const IS_COMPILED = Number(process.versions.node.split('.')[0]) < 22;

describe.runIf(IS_COMPILED)('scripts/run.mjs', () => {
  it('calls no npm when all is there', () => {
    expect(repository({ packages: true, before: 'right', after: 'right' })).toEqual({
      status: 0,
      stdout: 'entered',
      stderr: '',
      calls: [],
    });
  });

  it('installs where packages are missing', () => {
    const { status, stdout, calls } = repository({ packages: false, before: 'missing', after: 'right' });
    expect([status, stdout, calls]).toEqual([0, 'entered', ['ci --include=dev --no-audit --no-fund']]);
  });

  it.each(['wrong', 'missing'] as const)('rebuilds a binding that is %s', (before) => {
    const { status, stdout, stderr, calls } = repository({ packages: true, before, after: 'right' });
    expect([status, stdout, calls]).toEqual([0, 'entered', ['rebuild better-sqlite3']]);
    expect(stderr).toBe(`Rebuilding better-sqlite3 for Node ${process.versions.node} ...\n`);
  });

  it('says in one sentence that a rebuild did not help', () => {
    const { status, stdout, stderr } = repository({ packages: true, before: 'wrong', after: 'wrong' });
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/cannot be loaded by Node [\d.]+, not even after npm rebuild: .*better_sqlite3\.node/);
    expect(stderr).not.toContain('    at ');
  });
});
