// Installs every package of the lock file before anything is run.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawnNpm } from './node.mjs';

/** Installs the packages of `root` if some are missing. Ends the process if that fails. */
export function ensureInstalled(root) {
  if (isInstalled(root)) return;
  process.stderr.write('Installing the packages of package-lock.json ...\n');
  // onnxruntime-node's installer would download CUDA's binaries: docs/operations.md says how to add them.
  const { status, error } = runNpm(root, ['ci', '--include=dev', '--no-audit', '--no-fund'], {
    ONNXRUNTIME_NODE_INSTALL: 'skip',
  });
  if (status === 0) return;
  process.stderr.write(`npm ci failed: ${error?.message ?? 'see above'}.\n`);
  process.exit(status ?? 1);
}

/** Whether node_modules has every package of the lock file that this machine needs, at its version; not ours. */
export function isInstalled(root) {
  const read = (path) => JSON.parse(readFileSync(join(root, path), 'utf8'));
  if (!existsSync(join(root, 'node_modules/.package-lock.json'))) return false;
  const wanted = read('package-lock.json').packages;
  const present = read('node_modules/.package-lock.json').packages;
  return Object.entries(wanted).every(
    ([path, { version, optional }]) =>
      !path.includes('node_modules/') || present[path]?.version === version || (optional && !present[path]),
  );
}

/** Runs npm with its output on stderr. */
export function runNpm(folder, args, variables = {}) {
  return spawnNpm(args, { cwd: folder, env: variables, stdio: ['ignore', 2, 2] });
}
