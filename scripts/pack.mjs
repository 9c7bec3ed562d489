// What `npm pack` runs before and after it makes the tarball: `prepack` builds dist/ with a list of what is inside
// (sbom.cdx.json) and writes npm-shrinkwrap.json, `postpack` removes that again.
//
// npm-shrinkwrap.json is package-lock.json for those who install the tarball: the versions that were tested, without
// development's packages. npm runs the install scripts of the packages that a lock file marks as having some, so a
// package that package.json's allowScripts denies is not marked: onnxruntime-node's script would download 400 MB of
// CUDA's binaries.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureInstalled, runNpm } from './install.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const SHRINKWRAP = join(ROOT, 'npm-shrinkwrap.json');

switch (process.argv[2]) {
  case '--clean':
    rmSync(SHRINKWRAP, { force: true });
    break;
  case '--sbom':
    process.stdout.write(billOfMaterials());
    break;
  default:
    prepare();
}

function prepare() {
  ensureInstalled(ROOT);
  const { status } = runNpm(ROOT, ['run', '--silent', 'build']);
  if (status !== 0) process.exit(status ?? 1);
  writeFileSync(join(ROOT, 'dist/sbom.cdx.json'), billOfMaterials());
  writeFileSync(SHRINKWRAP, shrinkwrap());
}

/**
 * The packages that are installed with the service, with versions, licences and checksums, in CycloneDX. npm reads them
 * from a folder with nothing else: `npm sbom --omit dev` also leaves out what development's packages need as well.
 */
function billOfMaterials() {
  const folder = mkdtempSync(join(tmpdir(), 'metaheac-sbom-'));
  try {
    const { devDependencies, ...manifest } = readJson('package.json');
    writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
    writeFileSync(join(folder, 'package-lock.json'), shrinkwrap());
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

function shrinkwrap() {
  const { allowScripts } = readJson('package.json');
  const lock = readJson('package-lock.json');
  const packages = Object.entries(lock.packages)
    .filter(([, { dev }]) => !dev)
    .map(([path, { devDependencies, hasInstallScript, ...entry }]) => {
      const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
      const runs = hasInstallScript && allowScripts[name] !== false;
      return [path, runs ? { ...entry, hasInstallScript } : entry];
    });
  return `${JSON.stringify({ ...lock, packages: Object.fromEntries(packages) }, null, 2)}\n`;
}

function readJson(name) {
  return JSON.parse(readFileSync(join(ROOT, name), 'utf8'));
}
