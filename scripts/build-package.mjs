// Builds a package of packages/ for installation: JavaScript, types, README and licence, in dist/NAME or in FOLDER.
// `npm pack ./dist/NAME` makes its tarball.
//   node scripts/build-package.mjs NAME [FOLDER]
import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureApiTypes } from './api-types.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const [name = '', folder = join(ROOT, 'dist', name)] = process.argv.slice(2);
const PACKAGE = join(ROOT, 'packages', name);

if (name === 'client') ensureApiTypes();
const out = resolve(folder);
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const compiler = join(ROOT, 'node_modules/typescript-native/bin/tsc');
const args = ['-p', join(PACKAGE, 'tsconfig.build.json'), '--outDir', join(out, 'dist')];
const { status } = spawnSync(process.execPath, [compiler, ...args], { stdio: ['ignore', 2, 2] });
if (status !== 0) process.exit(status ?? 1);
// the compiler copies no declarations
for (const path of globSync('generated/*.d.ts', { cwd: PACKAGE })) cpSync(join(PACKAGE, path), join(out, 'dist', path));
// and it rewrites './x.ts' to './x.js' in JavaScript only
for (const path of globSync('dist/**/*.d.ts', { cwd: out })) {
  const text = readFileSync(join(out, path), 'utf8');
  writeFileSync(join(out, path), text.replaceAll(/(?<=(from |import\()['"]\.[^'"]*[^d])\.ts(?=['"])/g, '.js'));
}
for (const file of ['package.json', 'README.md']) cpSync(join(PACKAGE, file), join(out, file));
cpSync(join(ROOT, 'LICENSE'), join(out, 'LICENSE'));
