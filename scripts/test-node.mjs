// Runs the tests under other versions of Node: `npm run test:node`, `npm run test:node -- 24.18 test/onnx-grad`. The
// programs come from npm packages; nothing is compiled, because all native packages use Node-API. Works on a copy of
// the tree in the system's temporary folder.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { environmentUnder, fetchVersion } from './node.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const MAJORS = ['24', '26'];
/** Not part of the copy: generated files, and folders that are linked instead. */
const LEFT_OUT = ['node_modules', '.git', '.node', 'dist', 'coverage'];

const args = process.argv.slice(2);
const asked = args.filter((arg) => /^\d+(\.\d+)*$/.test(arg));
const rest = args.filter((arg) => !asked.includes(arg));
/** The projects of `npm test`, unless others are named. */
const projects = rest.some((arg) => arg.startsWith('--project')) ? [] : ['--project', 'unit', '--project', 'service'];

const work = mkdtempSync(join(tmpdir(), 'metaheac-node-'));
// tests start this Node as another user
chmodSync(work, 0o755);
process.once('exit', () => rmSync(work, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

spawnSync(process.execPath, [join(ROOT, 'scripts/console.mjs')], { cwd: ROOT, stdio: 'inherit' });
const results = (asked.length > 0 ? asked : MAJORS).map(testUnder);
process.stdout.write(`\n${results.map(({ line }) => line).join('\n')}\n`);
process.exit(results.every(({ passed }) => passed) ? 0 : 1);

/** Runs the tests under one version, on a copy of the tree; returns a line for the summary. */
function testUnder(wanted) {
  let node;
  try {
    node = fetched(wanted);
  } catch (error) {
    return { passed: false, line: `Node ${wanted}: NOT RUN, ${error.message}` };
  }
  const tree = join(work, wanted, 'tree');
  copyTree(tree);
  process.stdout.write(`\nNode ${node.version}: the tests\n`);
  const { status } = run(node, [join(tree, 'node_modules/vitest/vitest.mjs'), 'run', ...projects, ...rest], tree);
  return { passed: status === 0, line: `Node ${node.version}: ${status === 0 ? 'passed' : 'FAILED'}` };
}

/** Returns the program of a version; throws if npm has none for this machine. */
function fetched(wanted) {
  const program = fetchVersion(ROOT, wanted, join(work, wanted, 'node'));
  const { stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  return { program, version: stdout.trim().slice(1) };
}

/** Copies the tree, with links to the packages. */
function copyTree(tree) {
  for (const name of readdirSync(ROOT))
    if (!LEFT_OUT.includes(name)) cpSync(join(ROOT, name), join(tree, name), { recursive: true });
  // a console built in the copy would find its packages through links, which its bundler does not support
  const built = join(ROOT, 'dist/console');
  if (existsSync(built)) cpSync(built, join(tree, 'dist/console'), { recursive: true });
  const [from, to] = [ROOT, tree].map((root) => join(root, 'node_modules'));
  mkdirSync(to);
  for (const name of readdirSync(from))
    if (name !== '.cache' && name !== '.vite') symlinkSync(join(from, name), join(to, name), 'junction');
}

/** Runs a script under a version, which node and npm started by it also use. */
function run({ program }, command, folder) {
  return spawnSync(program, command, {
    cwd: folder,
    env: environmentUnder(program),
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}
