// Runs the tests under other versions of Node: `npm run test:node`, `npm run test:node -- 24 test/graph`. npm's own
// packages bring the programs; nothing is compiled, as every package that Node 22 and later load binds by Node-API.
// Works on a copy of the tree in the system's temporary folder.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureInstalled, runNpm } from './install.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const MAJORS = ['22', '24'];
/** Not part of the copy: what is made, and what is linked instead. */
const LEFT_OUT = ['node_modules', '.git', 'dist', 'coverage'];

ensureInstalled(ROOT);
const args = process.argv.slice(2);
const asked = args.filter((arg) => /^\d+(\.\d+)*$/.test(arg));
const rest = args.filter((arg) => !asked.includes(arg));

const work = mkdtempSync(join(tmpdir(), 'metaheac-node-'));
process.once('exit', () => rmSync(work, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

const results = (asked.length > 0 ? asked : MAJORS).map(testUnder);
process.stdout.write(`\n${results.map(({ line }) => line).join('\n')}\n`);
process.exit(results.every(({ passed }) => passed) ? 0 : 1);

/** Runs the tests under one version, on a copy of the tree; what is said of it in the end. */
function testUnder(wanted) {
  const node = fetchNode(wanted);
  if (node === null) return { passed: false, line: `Node ${wanted}: NOT RUN, npm has no program for this machine` };
  const tree = join(work, wanted, 'tree');
  copyTree(tree);
  process.stdout.write(`\nNode ${node.version}: the tests\n`);
  const { status } = run(node, [join(tree, 'node_modules/vitest/vitest.mjs'), 'run', ...rest], tree);
  return { passed: status === 0, line: `Node ${node.version}: ${status === 0 ? 'passed' : 'FAILED'}` };
}

/** The program of a version; null where npm has none. */
function fetchNode(wanted) {
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const folder = join(work, wanted, 'program');
  mkdirSync(folder, { recursive: true });
  process.stdout.write(`Fetching ${name}@${wanted} ...\n`);
  writeFileSync(join(folder, 'package.json'), '{"private":true}');
  runNpm(folder, ['install', '--no-save', '--no-package-lock', '--no-audit', '--no-fund', `${name}@${wanted}`]);
  const program = join(folder, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (!existsSync(program)) return null;
  const { stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  return { program, version: stdout.trim().slice(1) };
}

/** The tree with links to the packages. */
function copyTree(tree) {
  for (const name of readdirSync(ROOT))
    if (!LEFT_OUT.includes(name)) cpSync(join(ROOT, name), join(tree, name), { recursive: true });
  const [from, to] = [ROOT, tree].map((root) => join(root, 'node_modules'));
  mkdirSync(to);
  for (const name of readdirSync(from))
    if (name !== '.cache' && name !== '.vite') symlinkSync(join(from, name), join(to, name), 'junction');
}

/** Runs a script in a version, so that what it starts (node, npm) runs in it too. */
function run({ program }, command, folder) {
  const path = [dirname(program), process.env.PATH].join(delimiter);
  return spawnSync(program, command, {
    cwd: folder,
    env: { ...process.env, PATH: path, npm_node_execpath: program },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}
