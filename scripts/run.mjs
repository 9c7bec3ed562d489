// Installs what is missing (as the lock file says), then runs one TypeScript entry point, or the tests with --vitest.
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ensureConsole } from './console.mjs';
import { ensureInstalled } from './install.mjs';
import { requireOpenFiles } from './open-files.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
requireOpenFiles();
ensureInstalled(ROOT);

// onnxruntime-node 1.30 reports its use to Microsoft unless it is told not to, and writes logs of that into the
// temporary folder
process.env.ORT_DISABLE_TELEMETRY ??= '1';
const [entry = '', ...rest] = process.argv.slice(2);
// who starts a service gets its console too
if (entry === '--vitest' || ['demo', 'serve'].includes(rest[0])) await ensureConsole(ROOT);
const script = join(ROOT, entry === '--vitest' ? 'node_modules/vitest/vitest.mjs' : entry);
process.argv = [process.argv[0], script, ...(entry === '--vitest' ? ['run'] : []), ...rest];
if (script.endsWith('.ts')) (await import('tsx/esm/api')).register();
await import(pathToFileURL(script).href);
