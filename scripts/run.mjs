// Installs what is missing (as the lock file says), then runs one TypeScript entry point, or the tests with --vitest.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const read = (path) => JSON.parse(readFileSync(join(ROOT, path), 'utf8'));

/** True where every package of the lock file that this machine needs is in node_modules at its version. */
function isInstalled() {
  if (!existsSync(join(ROOT, 'node_modules/.package-lock.json'))) return false;
  const wanted = read('package-lock.json').packages;
  const present = read('node_modules/.package-lock.json').packages;
  return Object.entries(wanted).every(
    ([path, { version, optional }]) =>
      path === '' || present[path]?.version === version || (optional && !present[path]),
  );
}

if (!isInstalled()) {
  process.stderr.write('Installing the packages of package-lock.json ...\n');
  // onnxruntime-node's installer would download CUDA's binaries: docs/operations.md says how to add them on purpose.
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };
  const npm = spawnSync('npm', ['ci', '--include=dev', '--no-audit', '--no-fund'], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (npm.status !== 0) {
    process.stderr.write('npm ci failed: see above.\n');
    process.exit(npm.status ?? 1);
  }
}

// onnxruntime-node 1.30 reports its use to Microsoft unless it is told not to, and writes logs of that into the temporary folder
process.env.ORT_DISABLE_TELEMETRY ??= '1';
const [entry = '', ...rest] = process.argv.slice(2);
const script = join(ROOT, entry === '--vitest' ? 'node_modules/vitest/vitest.mjs' : entry);
process.argv = [process.argv[0], script, ...(entry === '--vitest' ? ['run'] : []), ...rest];
if (script.endsWith('.ts')) (await import('tsx/esm/api')).register();
await import(pathToFileURL(script).href);
