/** `npm run changeset`: the version of the whole, in a project with workspaces. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../architecture/files.ts';
import { temporaryFolder } from '../fixture/folders.ts';

/** A project as ours is, with one changeset: its folder, and a run of the script in it. */
function project(text: string) {
  const folder = temporaryFolder();
  for (const name of ['.changeset', 'scripts', 'console']) mkdirSync(join(folder, name));
  for (const path of ['package.json', 'package-lock.json', 'console/package.json', 'scripts/changeset.mjs'])
    cpSync(join(ROOT, path), join(folder, path));
  cpSync(join(ROOT, '.changeset/config.json'), join(folder, '.changeset/config.json'));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'CHANGELOG.md'), '# Changelog\n\n## [Unreleased]\n\n- Before.\n');
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
  it('raises the version, adds a section to the changelog, and changes nothing else in package.json', () => {
    const { folder, run } = project('---\n"metaheac": minor\n---\n\nReports are drawn in red.\n');
    const before = readFileSync(join(folder, 'package.json'), 'utf8');
    const { version } = JSON.parse(before);
    const [major, minor] = version.split('.');
    const raised = `${major}.${Number(minor) + 1}.0`;
    const { status, stdout } = run('version');
    expect([status, stdout]).toEqual([0, expect.stringContaining(`${version} is now ${raised}`)]);
    expect(readFileSync(join(folder, 'package.json'), 'utf8')).toBe(
      before.replace(`"version": "${version}"`, `"version": "${raised}"`),
    );
    const log = readFileSync(join(folder, 'CHANGELOG.md'), 'utf8');
    expect(log).toMatch(
      /^# Changelog\n\n## \d[\s\S]*Reports are drawn in red\.[\s\S]*## \[Unreleased\]\n\n- Before\.\n$/,
    );
    expect(log).toContain(`\n## ${raised}\n`);
    expect(readdirSync(join(folder, '.changeset'))).toEqual(['config.json']);
  });
});
