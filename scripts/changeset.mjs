// `npm run changeset`: runs the changesets tool for the version of the root package. In a project with workspaces the
// tool sees only those, never the root (and npm warns about a root that is its own workspace), so package.json lists no
// workspaces while it runs.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeVersion } from './versions.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PATH = join(ROOT, 'package.json');
const TOOL = join(ROOT, 'node_modules/@changesets/cli/bin.js');

const { workspaces, version: before } = read();
const order = Object.keys(read());
// Ctrl-C also ends the tool: package.json is restored afterwards
process.on('SIGINT', () => {});
const { workspaces: _, ...alone } = read();
write(alone);
let status = null;
try {
  status = spawnSync(process.execPath, [TOOL, ...process.argv.slice(2)], { cwd: ROOT, stdio: 'inherit' }).status;
} finally {
  const after = { ...read(), workspaces };
  write(Object.fromEntries(order.map((name) => [name, after[name]])));
  const { version } = after;
  if (version !== before) {
    writeVersion(ROOT, version);
    console.log(`${before} is now ${version}: see CONTRIBUTING.md, "Releases", for the next steps`);
  }
}
process.exitCode = status ?? 1;

function read() {
  return JSON.parse(readFileSync(PATH, 'utf8'));
}

function write(manifest) {
  writeFileSync(PATH, `${JSON.stringify(manifest, null, 2)}\n`);
}
