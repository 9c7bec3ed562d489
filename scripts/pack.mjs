// What `npm pack` runs before and after it makes the tarball: `prepack` builds dist/ with a list of what is inside
// (sbom.cdx.json) and writes npm-shrinkwrap.json, `postpack` removes that again.
//
// npm-shrinkwrap.json is package-lock.json for those who install the tarball: the versions that were tested, without
// development's packages. npm runs the install scripts of the packages that a lock file marks as having some, so a
// package that package.json's allowScripts denies is not marked: onnxruntime-node's script would download 400 MB of
// CUDA's binaries.
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureInstalled, runNpm } from './install.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const SHRINKWRAP = join(ROOT, 'npm-shrinkwrap.json');

if (process.argv[2] === '--clean') rmSync(SHRINKWRAP, { force: true });
else prepare();

function prepare() {
  ensureInstalled(ROOT);
  const { status } = runNpm(ROOT, ['run', '--silent', 'build']);
  if (status !== 0) process.exit(status ?? 1);
  writeFileSync(join(ROOT, 'dist/sbom.cdx.json'), billOfMaterials());
  writeFileSync(SHRINKWRAP, shrinkwrap());
}

/** The packages that run, with versions, licences and checksums: CycloneDX, as npm makes it from the lock file. */
function billOfMaterials() {
  const { status, stdout, stderr } = spawnSync('npm', ['run', '--silent', 'sbom'], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (status !== 0) throw new Error(`npm run sbom: ${stderr}`);
  return stdout;
}

function shrinkwrap() {
  const read = (name) => JSON.parse(readFileSync(join(ROOT, name), 'utf8'));
  const { allowScripts } = read('package.json');
  const lock = read('package-lock.json');
  const packages = Object.entries(lock.packages)
    .filter(([, { dev }]) => !dev)
    .map(([path, { devDependencies, hasInstallScript, ...entry }]) => {
      const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
      const runs = hasInstallScript && allowScripts[name] !== false;
      return [path, runs ? { ...entry, hasInstallScript } : entry];
    });
  return `${JSON.stringify({ ...lock, packages: Object.fromEntries(packages) }, null, 2)}\n`;
}
