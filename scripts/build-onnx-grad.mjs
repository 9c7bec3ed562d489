// Builds packages/onnx-grad for installation: JavaScript, types, README and licence, in dist/onnx-grad or in FOLDER.
// `npm pack ./dist/onnx-grad` makes its tarball.
//   node scripts/build-onnx-grad.mjs [FOLDER]
import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const PACKAGE = join(ROOT, 'packages/onnx-grad');

const out = resolve(process.argv[2] ?? join(ROOT, 'dist/onnx-grad'));
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const compiler = join(ROOT, 'node_modules/typescript-native/bin/tsc');
const args = ['-p', join(PACKAGE, 'tsconfig.build.json'), '--outDir', join(out, 'dist')];
const { status } = spawnSync(process.execPath, [compiler, ...args], { stdio: ['ignore', 2, 2] });
if (status !== 0) process.exit(status ?? 1);
// the compiler rewrites './x.ts' to './x.js' in JavaScript only
for (const path of globSync('dist/**/*.d.ts', { cwd: out })) {
  const text = readFileSync(join(out, path), 'utf8');
  writeFileSync(join(out, path), text.replaceAll(/(?<=(from |import\()['"]\.[^'"]*)\.ts(?=['"])/g, '.js'));
}
for (const name of ['package.json', 'README.md']) cpSync(join(PACKAGE, name), join(out, name));
cpSync(join(ROOT, 'LICENSE'), join(out, 'LICENSE'));
