// What `npm pack` runs first (`prepack`): builds dist/, with the list of the packages that are installed with it.
// `--sbom` prints that list alone.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureInstalled, runNpm } from './install.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

if (process.argv[2] === '--sbom') process.stdout.write(billOfMaterials());
else prepare();

function prepare() {
  ensureInstalled(ROOT);
  const { status } = runNpm(ROOT, ['run', '--silent', 'build']);
  if (status !== 0) process.exit(status ?? 1);
  writeFileSync(join(ROOT, 'dist/sbom.cdx.json'), billOfMaterials());
}

/**
 * The packages that are installed with the service, with versions, licences and checksums, in CycloneDX. npm reads them
 * from a folder with nothing else: `npm sbom --omit dev` also leaves out what development's packages need as well.
 */
function billOfMaterials() {
  const folder = mkdtempSync(join(tmpdir(), 'metaheac-sbom-'));
  try {
    const { devDependencies, workspaces, ...manifest } = readJson('package.json');
    writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
    writeFileSync(join(folder, 'package-lock.json'), lockOfInstalled());
    const flags = ['--sbom-format', 'cyclonedx', '--sbom-type', 'application', '--package-lock-only'];
    const { status, stdout, stderr } = spawnSync('npm', ['sbom', ...flags], {
      cwd: folder,
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    });
    if (status !== 0) throw new Error(`npm sbom: ${stderr}`);
    const bill = JSON.parse(stdout);
    // npm takes the names of folders: that of the application, and aliases
    for (const component of [bill.metadata.component, ...bill.components])
      component.name = component['bom-ref'].slice(0, component['bom-ref'].lastIndexOf('@'));
    return `${JSON.stringify(bill, null, 2)}\n`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** package-lock.json without development's packages. */
function lockOfInstalled() {
  const { packages, ...lock } = readJson('package-lock.json');
  const installed = Object.entries(packages)
    .filter(([path, { dev, link }]) => !dev && !link && path !== 'console')
    .map(([path, { devDependencies, ...entry }]) => [path, entry]);
  return JSON.stringify({ ...lock, packages: Object.fromEntries(installed) });
}

function readJson(name) {
  return JSON.parse(readFileSync(join(ROOT, name), 'utf8'));
}
