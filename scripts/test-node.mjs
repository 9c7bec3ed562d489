// Runs the tests under other versions of Node: `npm run test:node`, `npm run test:node -- 24 test/graph`. npm's own
// packages bring the programs, with the headers that better-sqlite3 is compiled with. Works on a copy of the tree in
// the system's temporary folder.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureInstalled, runNpm } from './install.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const MAJORS = ['22', '24'];
const COMPILED = 'better-sqlite3';
/** Not part of the copy: what is made, and what is linked instead. */
const LEFT_OUT = ['node_modules', '.git', 'dist', 'coverage'];
/** Tests that start the service or the program: they need the database whatever they import. */
const STARTS_PROGRAM = /^test\/(e2e|cli|worker|scripts)\//;

ensureInstalled(ROOT);
const args = process.argv.slice(2);
const noDatabase = args.includes('--without-database');
const asked = args.filter((arg) => /^\d+(\.\d+)*$/.test(arg));
const rest = args.filter((arg) => !asked.includes(arg) && arg !== '--without-database');

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
  const name = `Node ${node.version}`;
  const tree = join(work, wanted, 'tree');
  copyTree(tree);
  const fault = noDatabase ? '--without-database' : compile(node, tree);
  const excluded = fault === null ? [] : testsOfDatabase();
  if (fault !== null) {
    rmSync(join(tree, 'node_modules', COMPILED), { recursive: true, force: true });
    process.stderr.write(
      `\n*** ${name}: NO ${COMPILED} (${fault}). LEFT OUT, ${excluded.length} files:\n${excluded.map((file) => `***   ${file}\n`).join('')}\n`,
    );
  }
  process.stdout.write(`\n${name}: the tests\n`);
  const exclude = excluded.flatMap((file) => ['--exclude', file]);
  const { status } = run(node, [join(tree, 'node_modules/vitest/vitest.mjs'), 'run', ...exclude, ...rest], tree);
  const some = fault === null ? '' : `, ${excluded.length} FILES LEFT OUT for want of ${COMPILED}`;
  return { passed: status === 0, line: `${name}: ${status === 0 ? 'passed' : 'FAILED'}${some}` };
}

/** The program of a version, with the headers beside it; null where npm has none. */
function fetchNode(wanted) {
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const folder = join(work, wanted, 'program');
  mkdirSync(folder, { recursive: true });
  process.stdout.write(`Fetching ${name}@${wanted} ...\n`);
  writeFileSync(join(folder, 'package.json'), '{"private":true}');
  runNpm(folder, ['install', '--no-save', '--no-package-lock', '--no-audit', '--no-fund', `${name}@${wanted}`]);
  const home = join(folder, 'node_modules', name);
  const program = join(home, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (!existsSync(program)) return null;
  const { stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  const headers = existsSync(join(home, 'include/node/node.h')) ? home : null;
  return { program, headers, version: stdout.trim().slice(1) };
}

/**
 * The tree with links to the packages, but for the one that is compiled: that is a copy, without what another Node
 * compiled.
 */
function copyTree(tree) {
  for (const name of readdirSync(ROOT))
    if (!LEFT_OUT.includes(name)) cpSync(join(ROOT, name), join(tree, name), { recursive: true });
  const [from, to] = [ROOT, tree].map((root) => join(root, 'node_modules'));
  mkdirSync(to);
  for (const name of readdirSync(from)) {
    if (name === COMPILED)
      cpSync(join(from, name), join(to, name), { recursive: true, filter: (path) => basename(path) !== 'build' });
    else if (name !== '.cache' && name !== '.vite') symlinkSync(join(from, name), join(to, name), 'junction');
  }
}

/**
 * Brings the compiled package to a version: a prebuilt file, or one made with headers. Null, or why it could not be
 * had.
 */
function compile(node, tree) {
  process.stdout.write(`Building ${COMPILED} for Node ${node.version} ...\n`);
  const folder = join(tree, 'node_modules', COMPILED);
  const prebuilt = join(ROOT, 'node_modules/prebuild-install/bin.js');
  if (existsSync(prebuilt)) run(node, [prebuilt], folder, 'ignore');
  if (!loads(node, folder)) {
    const gyp = findGyp();
    if (gyp === null) return 'no prebuilt file, and no node-gyp beside npm';
    const headers = node.headers === null ? [] : [`--nodedir=${node.headers}`];
    const { status } = run(node, [gyp, 'rebuild', '--release', '--jobs=max', ...headers], folder, 'ignore');
    if (status !== 0) return `no prebuilt file, and node-gyp ended with ${status}`;
  }
  return loads(node, folder) ? null : 'what was built cannot be loaded';
}

function loads(node, folder) {
  const script = `new (require(${JSON.stringify(folder)}))(':memory:').close()`;
  return run(node, ['-e', script], folder, 'ignore').status === 0;
}

/** node-gyp as npm brings it. */
function findGyp() {
  const cli = process.env.npm_execpath;
  const homes = [cli && join(dirname(cli), '..'), join(dirname(process.execPath), '../lib/node_modules/npm')];
  return homes.map((home) => home && join(home, 'node_modules/node-gyp/bin/node-gyp.js')).find(existsSync) ?? null;
}

/**
 * The test files that cannot run without the database: those that import it, by whatever path, and those that start the
 * program.
 */
function testsOfDatabase() {
  const cruiser = join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const args = ['--no-config', '--ts-config', 'tsconfig.json', '--output-type', 'json'];
  const { stdout, status } = spawnSync(process.execPath, [cruiser, ...args, 'src', 'test'], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error('dependency-cruiser cannot tell what imports the database');
  const importers = new Map();
  for (const { source, dependencies } of JSON.parse(stdout).modules)
    for (const { resolved } of dependencies) importers.set(resolved, [...(importers.get(resolved) ?? []), source]);
  const found = new Set([...importers.keys()].filter((path) => path.includes(`node_modules/${COMPILED}/`)));
  // a set grows while it is walked
  for (const path of found) for (const importer of importers.get(path) ?? []) found.add(importer);
  const files = readdirSync(join(ROOT, 'test'), { recursive: true }).map(
    (path) => `test/${path.replaceAll('\\', '/')}`,
  );
  return files.filter((path) => path.endsWith('.test.ts') && (found.has(path) || STARTS_PROGRAM.test(path))).sort();
}

/** Runs a script in a version, so that what it starts (node, npm) runs in it too. */
function run({ program, headers }, command, folder, stdio = 'inherit') {
  const env = {
    ...process.env,
    PATH: [dirname(program), process.env.PATH].join(delimiter),
    npm_node_execpath: program,
  };
  if (headers !== null) env.npm_config_nodedir = headers;
  return spawnSync(program, command, { cwd: folder, env, stdio: ['ignore', stdio, stdio] });
}
