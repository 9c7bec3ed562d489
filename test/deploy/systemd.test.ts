/** The systemd unit: taken by systemd, locked down, and true to the package and its settings. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { VARIABLES } from '../../src/service/settings/environment.ts';
import { ROOT } from '../architecture/files.ts';
import { temporaryFolder } from '../fixture/folders.ts';

const text = readFileSync(join(ROOT, 'deploy/systemd/metaheac.service'), 'utf8');
/** systemd's exposure of ten at most, times ten. */
const MOST_EXPOSED = 25;

/** The values of a key, in order. */
function valuesOf(key: string): string[] {
  return [...text.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value]) => value!);
}

function analyze(...args: string[]): { status: number | null; output: string } {
  // any Node is found: the unit's is where Debian's package has it
  const file = join(temporaryFolder(), 'metaheac.service');
  writeFileSync(file, text.replace('/usr/bin/node', process.execPath));
  const { status, stdout, stderr } = spawnSync('systemd-analyze', [...args, file], { encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

describe('metaheac.service', () => {
  it('starts the installed program with node', () => {
    const { bin } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    expect(valuesOf('ExecStart')).toEqual([`/usr/bin/node /opt/metaheac/node_modules/metaheac/${bin.metaheac} serve`]);
  });

  it('sets only known variables, with folders that it may write', () => {
    const variables = valuesOf('Environment').map((each) => each.split('='));
    expect(variables.length).toBeGreaterThan(3);
    for (const [name = '', value = ''] of variables.filter(([name]) => name!.startsWith('METAHEAC_'))) {
      expect(VARIABLES).toContain(name);
      expect(value).toMatch(new RegExp(`^/var/lib/${valuesOf('StateDirectory')[0]}/`));
    }
  });

  const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;
  if (!hasSystemd) process.stderr.write('SKIPPED: systemd-analyze is not installed: the unit is not verified by it\n');
  it.runIf(hasSystemd)('passes systemd-analyze verify', () => {
    expect(analyze('verify', '--man=no')).toEqual({ status: 0, output: '' });
  });

  it.runIf(hasSystemd)('has a low exposure in systemd-analyze security', () => {
    const { status, output } = analyze('security', '--offline=yes', '--no-pager', `--threshold=${MOST_EXPOSED}`);
    expect(status, output).toBe(0);
  });
});
