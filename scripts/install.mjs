// What node_modules needs before anything is run: every package of the lock file, and a database binding that this Node
// can load.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';

/**
 * The one package that is compiled for a version of Node's ABI, and the first Node that does without it (see
 * src/lib/sqlite-driver.ts); the others use Node-API, or no binary.
 */
const COMPILED = 'better-sqlite3';
const FIRST_WITHOUT = 22;

/**
 * Installs the packages of `root` where some are missing, and compiles again what another Node left. Ends the process
 * where it cannot.
 */
export function ensureInstalled(root) {
  if (!isInstalled(root)) {
    process.stderr.write('Installing the packages of package-lock.json ...\n');
    // onnxruntime-node's installer would download CUDA's binaries: docs/operations.md says how to add them on purpose.
    npm(root, ['ci', '--include=dev', '--no-audit', '--no-fund'], { ONNXRUNTIME_NODE_INSTALL: 'skip' });
  }
  if (bindingFault(root) === null) return;
  process.stderr.write(`Rebuilding ${COMPILED} for Node ${process.versions.node} ...\n`);
  npm(root, ['rebuild', COMPILED]);
  const fault = bindingFault(root);
  if (fault === null) return;
  process.stderr.write(
    `${COMPILED} cannot be loaded by Node ${process.versions.node}, not even after npm rebuild: ${fault}\n`,
  );
  process.exit(1);
}

/** True where every package of the lock file that this machine needs is in node_modules at its version. */
function isInstalled(root) {
  const read = (path) => JSON.parse(readFileSync(join(root, path), 'utf8'));
  if (!existsSync(join(root, 'node_modules/.package-lock.json'))) return false;
  const wanted = read('package-lock.json').packages;
  const present = read('node_modules/.package-lock.json').packages;
  return Object.entries(wanted).every(
    ([path, { version, optional }]) =>
      path === '' || present[path]?.version === version || (optional && !present[path]),
  );
}

/** Why this Node cannot load the binding (missing, or compiled for another ABI); null where it can. */
function bindingFault(root) {
  if (Number(process.versions.node.split('.')[0]) >= FIRST_WITHOUT) return null;
  try {
    process.dlopen({ exports: {} }, join(root, 'node_modules', COMPILED, 'build/Release/better_sqlite3.node'));
    return null;
  } catch (error) {
    return error.message;
  }
}

/** Runs npm with this Node, and ends the process where it fails. */
function npm(root, args, variables) {
  const { status, error } = runNpm(root, args, variables);
  if (status === 0) return;
  process.stderr.write(`npm ${args[0]} failed: ${error?.message ?? 'see above'}.\n`);
  process.exit(status ?? 1);
}

/** Runs npm with this Node, and whatever npm starts too: a compiler's target is the Node that runs it. */
export function runNpm(folder, args, variables = {}) {
  const path = [dirname(process.execPath), process.env.PATH].join(delimiter);
  // the npm that started us, where one did: the first in PATH may be another one
  const cli = process.env.npm_execpath;
  const isNpm = cli !== undefined && basename(cli) === 'npm-cli.js';
  const [command, first] = isNpm ? [process.execPath, [cli]] : ['npm', []];
  return spawnSync(command, [...first, ...args], {
    cwd: folder,
    env: { ...process.env, PATH: path, ...variables },
    stdio: ['ignore', 2, 2],
    shell: !isNpm && process.platform === 'win32',
  });
}
