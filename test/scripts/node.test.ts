/**
 * The Node that scripts run under: under an older one, a pinned one is fetched, and the script is run again under it.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { ROOT } from '../architecture/files.ts';
import { temporaryFolder } from '../fixture/folders.ts';

const OLD = '20.20.2';
const NAME = 'node-test';
const VERSION = '24.0.1';
const SAID = `Node ${OLD} is too old: fetching ${VERSION} (${NAME}) into .node/ ...\n`;
const SENTENCE = new RegExp(
  `^metaheac needs Node 24 or newer, this is ${OLD} and none could be fetched \\((.+)\\): ` +
    'install Node 24 from https://nodejs.org and run the command again\\.\n$',
);

/** What it does instead of fetching: the package, half a package and a wait, or an error. */
type Npm = 'packs' | 'hangs' | 'fails';

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder with a script that needs a new Node, run by one that takes itself for an old one. */
class Repository {
  readonly root = temporaryFolder();
  readonly pinned: { name: string; version: string; integrity: string };
  readonly #stub: string;

  constructor() {
    mkdirSync(join(this.root, 'scripts'));
    copyFileSync(join(ROOT, 'scripts/node.mjs'), join(this.root, 'scripts/node.mjs'));
    writeFileSync(
      join(this.root, 'scripts/entry.mjs'),
      `import { requireNode } from './node.mjs';
       await requireNode(${JSON.stringify(this.root)}, JSON.parse(process.env.PINNED));
       const [path] = process.env.PATH.split(${JSON.stringify(delimiter)});
       process.stdout.write(JSON.stringify({ arguments: process.argv.slice(2), path }));
       if (process.argv[2] === 'wait') setTimeout(() => {}, 60_000);
       else process.exit(Number(process.argv[2]));`,
    );
    this.#stub = join(this.root, 'stub.mjs');
    writeFileSync(this.#stub, `Object.defineProperty(process.versions, 'node', { value: '${OLD}' });`);
    const program = join(this.root, 'package/bin/node');
    mkdirSync(dirname(program), { recursive: true });
    writeFileSync(program, `#!/bin/sh\nunset NODE_OPTIONS\nexec ${process.execPath} "$@"\n`);
    const archive = join(this.root, 'package.tgz');
    expect(spawnSync('tar', ['-czf', archive, '-C', this.root, 'package']).status).toBe(0);
    const hash = createHash('sha512').update(readFileSync(archive)).digest('base64');
    this.pinned = { name: NAME, version: VERSION, integrity: `sha512-${hash}` };
    writeFileSync(
      join(this.root, 'npm-cli.js'),
      `const fs = require('node:fs');
       const [, spec, , folder] = process.argv.slice(2);
       fs.appendFileSync('npm.log', process.argv.slice(2, 4).join(' ') + '\\n');
       if (process.env.NPM === 'fails') {
         console.error('npm error code E404\\nnpm error 404 Not Found');
         process.exit(1);
       }
       const archive = fs.readFileSync('package.tgz');
       const isHanging = process.env.NPM === 'hangs';
       fs.writeFileSync(folder + '/node.tgz', isHanging ? archive.subarray(0, 100) : archive);
       if (isHanging) setTimeout(() => {}, 60_000);`,
    );
  }

  start(args: readonly string[], npm: Npm = 'packs', pinned: unknown = this.pinned): ChildProcess {
    return spawn(process.execPath, ['scripts/entry.mjs', ...args], {
      cwd: this.root,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        NODE_OPTIONS: `--import ${this.#stub}`,
        npm_execpath: join(this.root, 'npm-cli.js'),
        NPM: npm,
        PINNED: JSON.stringify(pinned),
      },
    });
  }

  async run(args: readonly string[], npm?: Npm, pinned?: unknown): Promise<Ended> {
    return endOf(this.start(args, npm, pinned));
  }

  /** What npm was asked for. */
  get calls(): string[] {
    const log = join(this.root, 'npm.log');
    return existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n') : [];
  }

  /** What is in the folder of fetched versions. */
  get fetched(): string[] {
    const folder = join(this.root, '.node');
    return existsSync(folder) ? readdirSync(folder) : [];
  }
}

async function endOf(child: ChildProcess): Promise<Ended> {
  let [stdout, stderr] = ['', ''];
  child.stdout!.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr!.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, stdout, stderr };
}

describe('requireNode', () => {
  it('downloads the pinned Node once with a message, and exits as the script does', async () => {
    const repository = new Repository();
    const path = join(repository.root, '.node', `${NAME}-${VERSION}`, 'bin');
    const first = await repository.run(['7', 'a b']);
    expect(first).toEqual({ status: 7, stdout: JSON.stringify({ arguments: ['7', 'a b'], path }), stderr: SAID });
    const again = await repository.run(['0']);
    expect(again).toEqual({ status: 0, stdout: JSON.stringify({ arguments: ['0'], path }), stderr: '' });
    expect(repository.calls).toEqual([`pack ${NAME}@${VERSION}`]);
    expect(repository.fetched).toEqual([`${NAME}-${VERSION}`]);
  });

  it('allows several downloads at once', async () => {
    const repository = new Repository();
    const ended = await Promise.all([1, 2, 3].map((code) => repository.run([String(code)])));
    expect(ended.map(({ status }) => status)).toEqual([1, 2, 3]);
    expect(repository.fetched).toEqual([`${NAME}-${VERSION}`]);
  });

  it('deletes a download with a wrong checksum', async () => {
    const repository = new Repository();
    const integrity = `sha512-${createHash('sha512').update('another').digest('base64')}`;
    const { status, stdout, stderr } = await repository.run(['0'], 'packs', { ...repository.pinned, integrity });
    expect([status, stdout, repository.fetched]).toEqual([1, '', []]);
    expect(stderr.slice(SAID.length)).toMatch(SENTENCE);
    expect(stderr).toContain(`is not the ${integrity} expected`);
  });

  it.each([
    ['npm fails', 'fails', { name: NAME, version: VERSION, integrity: '' }, `${NAME}@${VERSION} (404 Not Found)`],
    ['there is none for the platform', 'packs', null, `npm's registry has none for ${process.platform}`],
  ] as const)('says in one sentence what to install where %s', async (_case, npm, pinned, why) => {
    const repository = new Repository();
    const { status, stdout, stderr } = await repository.run(['0'], npm, pinned);
    expect([status, stdout, repository.fetched]).toEqual([1, '', []]);
    const sentence = stderr.slice(pinned ? SAID.length : 0);
    expect(sentence).toMatch(SENTENCE);
    expect(sentence).toContain(why);
  });

  it('downloads again after a killed download, and removes its remains', async () => {
    const repository = new Repository();
    const hanging = repository.start(['0'], 'hangs');
    await vi.waitFor(() => expect(repository.calls).toHaveLength(1), { timeout: 20_000 });
    const ended = once(hanging, 'close');
    process.kill(-hanging.pid!, 'SIGKILL');
    await ended;
    const remains = repository.fetched;
    expect(remains).toEqual([expect.stringMatching(/^\.fetching-/)]);
    utimesSync(join(repository.root, '.node', remains[0]!), 0, 0);
    expect((await repository.run(['3'])).status).toBe(3);
    expect(repository.fetched).toEqual([`${NAME}-${VERSION}`]);
  });

  it('forwards SIGTERM, and exits with its number', async () => {
    const repository = new Repository();
    const child = repository.start(['wait']);
    const ended = endOf(child);
    await once(child.stdout!, 'data');
    child.kill('SIGTERM');
    expect((await ended).status).toBe(143);
  });
});

describe('scripts/metaheac.mjs', () => {
  it.each(['12.22.12', '23.11.1'])('explains in one sentence why Node %s is too old', (version) => {
    const stub = join(temporaryFolder(), 'stub.mjs');
    writeFileSync(stub, `Object.defineProperty(process.versions, 'node', { value: '${version}' });`);
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', stub, 'scripts/metaheac.mjs', 'demo'], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    const sentence = `metaheac needs Node 24 or newer, this is ${version}: install it from https://nodejs.org\n`;
    expect([status, stdout, stderr]).toEqual([1, '', sentence]);
  });
});
