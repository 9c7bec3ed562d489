// `npm pack` runs this first (`prepack`): it builds dist/, with the list of the packages that are installed with it or
// bundled into the console, and rewrites the links of its pages. `--restore` undoes the latter after `npm pack`.
// `--sbom` only prints the list.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureConsole } from './console.mjs';
import { runNpm } from './install.mjs';
import { spawnNpm } from './node.mjs';
import { changePages, restorePages } from './pack-links.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** The file in which the console's build names the packages that it contains: `## preact - 11.2.0 (MIT)`. */
const BUNDLED = 'dist/console/licences.md';
/** Property of a component that has no folder in node_modules: the files that contain it. */
const BUNDLED_INTO = { name: 'metaheac:bundled-into', value: 'dist/console' };

if (process.argv[2] === '--sbom') {
  await ensureConsole(ROOT);
  process.stdout.write(billOfMaterials());
} else if (process.argv[2] === '--restore') restorePages(ROOT);
else prepare();

function prepare() {
  const { status } = runNpm(ROOT, ['run', '--silent', 'build']);
  if (status !== 0) process.exit(status ?? 1);
  writeFileSync(join(ROOT, 'dist/sbom.cdx.json'), billOfMaterials());
  changePages(ROOT, shippedFiles(), repositoryUrl());
}

/** Returns the paths that the tarball will contain. */
function shippedFiles() {
  const { status, stdout, stderr } = spawnNpm(['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (status !== 0) throw new Error(`npm pack: ${stderr}`);
  return JSON.parse(stdout)[0].files.map(({ path }) => path);
}

function repositoryUrl() {
  const { url } = readJson('package.json').repository;
  return `${url.replace(/^git\+|\.git$/g, '')}/blob/main`;
}

/**
 * Returns the packages installed with the service, with versions, licences and checksums, as CycloneDX. npm reads them
 * from a folder with nothing else, because `npm sbom --omit dev` also omits packages that development packages need
 * too.
 */
function billOfMaterials() {
  const folder = mkdtempSync(join(tmpdir(), 'metaheac-sbom-'));
  try {
    const { devDependencies, workspaces, ...manifest } = readJson('package.json');
    const bundled = bundledPackages();
    const dependencies = { ...manifest.dependencies, ...bundled };
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifest, dependencies }));
    writeFileSync(join(folder, 'package-lock.json'), lockOfInstalled(bundled));
    const flags = ['--sbom-format', 'cyclonedx', '--sbom-type', 'application', '--package-lock-only'];
    const { status, stdout, stderr } = spawnNpm(['sbom', ...flags], {
      cwd: folder,
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    });
    if (status !== 0) throw new Error(`npm sbom: ${stderr}`);
    const bill = JSON.parse(stdout);
    // npm uses folder names, which differ for the application and for aliases
    for (const component of [bill.metadata.component, ...bill.components])
      component.name = component['bom-ref'].slice(0, component['bom-ref'].lastIndexOf('@'));
    for (const component of bill.components)
      if (bundled[component.name] === component.version)
        component.properties = [...(component.properties ?? []), BUNDLED_INTO];
    return `${JSON.stringify(bill, null, 2)}\n`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Returns versions by name. */
function bundledPackages() {
  const text = readFileSync(join(ROOT, BUNDLED), 'utf8');
  const found = [...text.matchAll(/^## (\S+) - (\S+) \(/gm)].map(([, name, version]) => [name, version]);
  if (found.length === 0) throw new Error(`${BUNDLED} names no package`);
  return Object.fromEntries(found);
}

/** Returns package-lock.json without development packages, except for the bundled ones, which are not installed. */
function lockOfInstalled(bundled) {
  const { packages, ...lock } = readJson('package-lock.json');
  const { devDependencies, workspaces, ...root } = packages[''];
  const kept = { '': { ...root, dependencies: { ...root.dependencies, ...bundled } } };
  for (const [path, { devDependencies: _, ...entry }] of Object.entries(packages)) {
    const isBundled = bundled[path.replace('node_modules/', '')] === entry.version;
    if (path === '' || path === 'console' || entry.link || (entry.dev && !isBundled)) continue;
    const { dev, dependencies, peerDependencies, ...alone } = entry;
    kept[path] = entry.dev ? alone : entry;
  }
  return JSON.stringify({ ...lock, packages: kept });
}

function readJson(name) {
  return JSON.parse(readFileSync(join(ROOT, name), 'utf8'));
}
