// Builds the console if its build is missing or older than its sources; `--check` also checks its types and sizes.
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { ensureApiTypes } from './api-types.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
/** Maximum size of the files that a browser must load before it shows the first page, compressed as they are sent. */
const MOST_FIRST_BYTES = 150_000;

/** Builds the console of `root` if necessary, in seconds. Ends the process if the build fails. */
export async function ensureConsole(root = ROOT) {
  const folder = join(root, 'console');
  if (!existsSync(join(folder, 'sources.mjs'))) return;
  const { BUILD, isFresh, stamp } = await import(join(folder, 'sources.mjs'));
  if (isFresh()) return;
  process.stderr.write('Building the console ...\n');
  // in a separate folder, then moved into place: another process may be building, or a server reading
  const made = join(dirname(BUILD), `.console-${randomUUID()}`);
  mkdirSync(made, { recursive: true });
  try {
    const vite = join(root, 'node_modules/vite/bin/vite.js');
    run([vite, 'build', '--logLevel', 'warn', '--outDir', made], folder);
    stamp(made);
    rmSync(BUILD, { recursive: true, force: true });
    renameSync(made, BUILD);
  } catch (error) {
    // another build got there first
    if (!isFresh()) throw error;
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}

/** Checks the types against a client generated from the current openapi.yaml, and the size of the first load. */
async function check() {
  ensureApiTypes();
  run([join(ROOT, 'node_modules/typescript-native/bin/tsc'), '--noEmit', '--project', 'console'], ROOT);
  await ensureConsole();
  const bytes = firstBytes(join(ROOT, 'dist/console'));
  if (bytes > MOST_FIRST_BYTES) {
    console.error(`the console's first load is ${bytes} bytes compressed, more than ${MOST_FIRST_BYTES}`);
    process.exit(1);
  }
  console.log(`console: ${bytes} bytes at the first load, compressed (at most ${MOST_FIRST_BYTES})`);
}

/** Size of index.html and the files that it names; files that are loaded later do not count. */
function firstBytes(folder) {
  const page = readFileSync(join(folder, 'index.html'), 'utf8');
  const named = [...page.matchAll(/(?:src|href)="\/console\/([^"]+)"/g)].map(([, path]) => path);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  for (const path of named) if (!files.includes(path)) throw new Error(`index.html names ${path}, which is not built`);
  return ['index.html', ...named].reduce((sum, path) => sum + gzipSync(readFileSync(join(folder, path))).length, 0);
}

function run(args, cwd) {
  const { status, error } = spawnSync(process.execPath, args, { cwd, stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error(`${args[0]} failed: ${error?.message ?? 'see above'}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await check();
