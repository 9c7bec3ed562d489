/** Child processes and threads start from TypeScript sources, and from a build. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { forkBeside, startThreadBeside } from '../../src/lib/entry.ts';
import { createRng } from '../../src/lib/rng.ts';
import { temporaryFolder } from '../fixture/folders.ts';

const drawn = createRng('echo').uint32();
const folder = temporaryFolder();
writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
writeFileSync(
  join(folder, 'echo.js'),
  `import { parentPort, workerData } from 'node:worker_threads';
if (parentPort) parentPort.postMessage({ given: workerData, execArgv: process.execArgv });
else process.on('message', (given) => process.send({ given, execArgv: process.execArgv }, () => process.exit(3)));
`,
);
const built = pathToFileURL(join(folder, 'main.js')).href;

describe('forkBeside', () => {
  it('forks a TypeScript module beside a TypeScript module', async () => {
    const child = forkBeside(import.meta.url, 'children/echo', {});
    child.send('ping');
    const [[message], [code]] = await Promise.all([once(child, 'message'), once(child, 'exit')]);
    expect([message, code]).toEqual([{ given: 'ping', drawn }, 3]);
  });

  it('forks a module of a build as it is', async () => {
    const child = forkBeside(built, 'echo', {});
    child.send('ping');
    const [[message]] = await Promise.all([once(child, 'message'), once(child, 'exit')]);
    expect(message).toEqual({ given: 'ping', execArgv: [] });
  });
});

describe('startThreadBeside', () => {
  it('starts a TypeScript module beside a TypeScript module', async () => {
    const worker = startThreadBeside(import.meta.url, 'children/echo', { workerData: { a: 1 } });
    const [message] = await once(worker, 'message');
    await worker.terminate();
    expect(message).toEqual({ given: { a: 1 }, drawn });
  });

  it('starts a module of a build as it is', async () => {
    const worker = startThreadBeside(built, 'echo', { workerData: { a: 1 } });
    const [message] = await once(worker, 'message');
    await worker.terminate();
    expect(message).toMatchObject({ given: { a: 1 } });
  });
});
