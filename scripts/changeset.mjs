// `npm run changeset`: the tool of changesets, for the version of the whole. In a project with workspaces it sees these
// alone, never the root (and npm warns of a root that is a workspace of its own): while it runs, package.json names none.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PATH = join(ROOT, 'package.json');
const TOOL = join(ROOT, 'node_modules/@changesets/cli/bin.js');

const { workspaces, version: before } = read();
const order = Object.keys(read());
// Ctrl-C reaches the tool too, which ends by it: package.json is put back after that
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
  if (version !== before) console.log(`${before} is ${version} now: CONTRIBUTING.md, "Releases", has what follows`);
}
process.exitCode = status ?? 1;

function read() {
  return JSON.parse(readFileSync(PATH, 'utf8'));
}

function write(manifest) {
  writeFileSync(PATH, `${JSON.stringify(manifest, null, 2)}\n`);
}
