// Entry point of all commands: finds a Node that is new enough, installs missing packages of the lock file, then runs
// one of our modules, a tool from the packages by its name, or npm.
import { readFileSync } from 'node:fs';
// older ones lack its enableCompileCache
import nodeModule from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ensureInstalled, runNpm } from './install.mjs';
import { requireNode } from './node.mjs';
import { requireOpenFiles } from './open-files.mjs';

/** The packages of the tools that the scripts in package.json call. */
const TOOLS = {
  biome: '@biomejs/biome',
  depcruise: 'dependency-cruiser',
  knip: 'knip',
  tsc: 'typescript-native',
  vitest: 'vitest',
};

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
await requireNode(ROOT);
requireOpenFiles();

const [entry = '', ...rest] = process.argv.slice(2);
// without installing first: `.ci/run` uses npm to install
if (entry === 'npm') process.exit(runNpm(process.cwd(), rest).status ?? 1);
ensureInstalled(ROOT);

// without this, onnxruntime-node 1.30 reports its use to Microsoft, and writes logs of that into the temporary folder
process.env.ORT_DISABLE_TELEMETRY ??= '1';
// a service needs the built console
if (entry === 'vitest' || ['demo', 'serve'].includes(rest[0]))
  await (await import('./console.mjs')).ensureConsole(ROOT);
// types are erased and code is compiled once, not at every start; child processes read the folder from the variable
process.env.NODE_COMPILE_CACHE ??= join(ROOT, 'node_modules/.cache/compiled');
nodeModule.enableCompileCache(process.env.NODE_COMPILE_CACHE);
const script = TOOLS[entry] ? programOf(entry) : join(ROOT, entry);
process.argv = [process.argv[0], script, ...rest];
await import(pathToFileURL(script).href);

/** Returns the module of a tool, as its package names it. */
function programOf(tool) {
  const folder = join(ROOT, 'node_modules', TOOLS[tool]);
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return join(folder, typeof bin === 'string' ? bin : bin[tool]);
}
