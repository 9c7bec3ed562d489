/** `npm run changeset`: one version of everything that a release contains. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PACKAGE_VERSION } from '../../src/lib/package-root.ts';
import { ROOT } from '../architecture/files.ts';
import { temporaryFolder } from '../fixture/folders.ts';

const { VERSIONED, versionsIn, writeVersion } = await import(join(ROOT, 'scripts/versions.mjs'));
/** The same version in all files. */
const everywhere = (version: string) => Object.keys(VERSIONED).map((path) => ({ path, version }));

/** A project as ours is, with one changeset: its folder, and a run of the script in it. */
function project(text: string) {
  const folder = temporaryFolder();
  const copied = ['.changeset/config.json', 'scripts/changeset.mjs', 'scripts/versions.mjs'];
  for (const path of [...Object.keys(VERSIONED), ...copied]) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    cpSync(join(ROOT, path), join(folder, path));
  }
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'CHANGELOG.md'), '# Changelog\n\n## 1.2.3\n\n- Before.\n');
  writeVersion(folder, '1.2.3');
  writeFileSync(join(folder, '.changeset/first.md'), text);
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', ...args], { cwd: folder });
  git('init', '-q', '-b', 'main');
  git('add', '-A');
  git('commit', '-q', '-m', 'all');
  const run = (...args: string[]) =>
    spawnSync(process.execPath, ['scripts/changeset.mjs', ...args], { cwd: folder, encoding: 'utf8' });
  return { folder, run };
}

describe('scripts/changeset.mjs', () => {
  it('raises the version in all files, adds a section to the changelog, and changes nothing else in package.json', () => {
    const { folder, run } = project('---\n"metaheac": minor\n---\n\nReports are drawn in red.\n');
    const before = readFileSync(join(folder, 'package.json'), 'utf8');
    const { status, stdout } = run('version');
    expect([status, stdout]).toEqual([0, expect.stringContaining('1.2.3 is now 1.3.0')]);
    expect(readFileSync(join(folder, 'package.json'), 'utf8')).toBe(before.replace('"1.2.3"', '"1.3.0"'));
    expect(versionsIn(folder)).toEqual(everywhere('1.3.0'));
    const log = readFileSync(join(folder, 'CHANGELOG.md'), 'utf8');
    expect(log).toMatch(
      /^# Changelog\n\n## 1\.3\.0\n[\s\S]*Reports are drawn in red\.[\s\S]*\n## 1\.2\.3\n\n- Before\.\n$/,
    );
    expect(readdirSync(join(folder, '.changeset'))).toEqual(['config.json']);
  });

  it('all files have the version of this repository', () => {
    expect(versionsIn(ROOT)).toEqual(everywhere(PACKAGE_VERSION));
  });
});
