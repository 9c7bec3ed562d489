/** Child processes and threads start from TypeScript sources, and from a build. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { entryBeside } from '../../src/lib/entry.ts';
import { createRng } from '../../src/lib/rng.ts';
import { temporaryFolder } from '../fixture/folders.ts';

const drawn = createRng('echo').uint32();
const folder = temporaryFolder();
writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
writeFileSync(
  join(folder, 'echo.js'),
  `import { parentPort, workerData } from 'node:worker_threads';
if (parentPort) parentPort.postMessage({ given: workerData });
else process.on('message', (given) => process.send({ given }, () => process.exit(3)));
`,
);
const built = pathToFileURL(join(folder, 'main.js')).href;

describe.each([
  ['a TypeScript module', import.meta.url, 'children/echo', { drawn }],
  ['a module of a build', built, 'echo', {}],
])('entryBeside, of %s', (_kind, url, name, more) => {
  it('names a module that a process can run, with no output on stderr', async () => {
    const child = fork(entryBeside(url, name), [], { execArgv: [], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    const errors: Buffer[] = [];
    child.stderr!.on('data', (data: Buffer) => errors.push(data));
    child.send('ping');
    const [[message], [code]] = await Promise.all([once(child, 'message'), once(child, 'close')]);
    expect([message, code, Buffer.concat(errors).toString()]).toEqual([{ given: 'ping', ...more }, 3, '']);
  });

  it('names a module that a thread can run', async () => {
    const worker = new Worker(entryBeside(url, name), { workerData: { a: 1 } });
    const [message] = await once(worker, 'message');
    await worker.terminate();
    expect(message).toEqual({ given: { a: 1 }, ...more });
  });
});
