// `npm run check`: runs every check of package.json, two at a time. All of them run; the output of each is printed when
// it ends, and the command fails if any check fails.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Writes the input of the others. */
const FIRST = 'check:console';

const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const others = Object.keys(scripts).filter((name) => name.startsWith('check:') && name !== FIRST);
const failed = [];
await runAll([FIRST]);
// both take from one list, whose first ones take longest
await Promise.all([runAll(others), runAll(others)]);
if (failed.length > 0) console.error(`FAILED: ${failed.join(', ')}`);
process.exitCode = failed.length > 0 ? 1 : 0;

/** Runs scripts one after another until the list is empty. */
async function runAll(names) {
  for (let name = names.shift(); name !== undefined; name = names.shift())
    if (!(await isPassed(name))) failed.push(name);
}

async function isPassed(name) {
  const start = performance.now();
  const child = spawn('npm', ['run', '--silent', name], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32',
  });
  const said = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => said.push(data));
  const status = await new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(code ?? signal));
  });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  process.stdout.write(Buffer.concat(said));
  console.log(`${name}: ${status === 0 ? 'passed' : `FAILED with ${status}`}, ${seconds} s`);
  return status === 0;
}
