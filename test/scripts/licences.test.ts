/** The licences of the packages, and the list of them that goes into the tarball. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../architecture/files.ts';
import { useFolders } from '../fixture/folders.ts';

const newFolder = useFolders();

/** Runs the check on a lock file with one package. */
function check(entry: object) {
  const file = join(newFolder(), 'package-lock.json');
  writeFileSync(file, JSON.stringify({ packages: { '': {}, 'node_modules/@a/b': { version: '1.2.3', ...entry } } }));
  return spawnSync(process.execPath, ['scripts/licences.mjs', file], { cwd: ROOT, encoding: 'utf8' });
}

describe('scripts/licences.mjs', () => {
  it('accepts all packages of the lock file', () => {
    const { status, stdout } = spawnSync(process.execPath, ['scripts/licences.mjs'], { cwd: ROOT, encoding: 'utf8' });
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^licences: \d{3} packages .*, \d{3} for development/)]);
  });

  it.each(['MIT', '(GPL-3.0-only AND MIT) OR 0BSD'])('takes %s', (license) =>
    expect(check({ license }).status).toBe(0),
  );

  it.each(['MIT AND GPL-3.0-only', '(MIT', 'Apache-2.0 WITH x', ''])('refuses %s and names the package', (license) => {
    const { status, stderr } = check({ license });
    expect([status, stderr]).toEqual([1, expect.stringContaining(`@a/b@1.2.3 has the licence ${license}`)]);
  });

  it('refuses a package without a licence', () => {
    expect(check({}).stderr).toContain('@a/b@1.2.3 names no licence');
  });

  it('accepts MPL-2.0 for development only', () => {
    expect(check({ license: 'MPL-2.0', dev: true }).status).toBe(0);
    expect(check({ license: 'MPL-2.0' }).status).toBe(1);
  });
});

/** What the console's pages contain. */
const BUNDLED = ['@preact/signals', '@preact/signals-core', 'openapi-fetch', 'papaparse', 'preact', 'uplot'];

describe('npm run sbom', () => {
  it('lists the packages of the service and the console, with licences and checksums', () => {
    const { status, stdout, stderr } = spawnSync('npm', ['run', '--silent', 'sbom'], { cwd: ROOT, encoding: 'utf8' });
    expect(status, stderr).toBe(0);
    const bill = JSON.parse(stdout) as {
      bomFormat: string;
      metadata: { component: { name: string } };
      components: {
        name: string;
        group?: string;
        version: string;
        licenses?: object[];
        hashes?: object[];
        properties?: { value: string }[];
      }[];
    };
    expect([bill.bomFormat, bill.metadata.component.name]).toEqual(['CycloneDX', 'metaheac']);
    const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { name?: string; version: string; dev?: boolean; link?: boolean }>;
    };
    const wanted = Object.entries(packages)
      .filter(
        ([path, { dev, link }]) =>
          path.startsWith('node_modules/') &&
          !link &&
          (!dev || BUNDLED.some((name) => path === `node_modules/${name}`)),
      )
      .map(([path, { name, version }]) => `${name ?? path.replace(/^.*node_modules\//, '')}@${version}`);
    const listed = bill.components.map(({ name, version }) => `${name}@${version}`);
    expect(new Set(listed)).toEqual(new Set(wanted));
    const bundled = bill.components.filter(({ properties = [] }) =>
      properties.some(({ value }) => value === 'dist/console'),
    );
    expect(bundled.map(({ name }) => name).sort()).toEqual(BUNDLED);
    for (const { name, licenses, hashes } of bill.components)
      expect([licenses?.length, hashes?.length], name).toEqual([1, 1]);
  });
});
