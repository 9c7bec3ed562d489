/**
 * `metaheac demo` as a person runs it on few people: what it prints, and that it leaves nothing behind. The test of the
 * tarball (`scripts/pack.test.ts`) runs it on all.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createOutput } from '../../src/cli/output.ts';
import { generateDataSet } from '../../src/dataset/synthetic/synthetic.ts';
import { hasPostgres } from '../../src/demo/postgres-server.ts';
import { trainModel } from '../../src/demo/train-model.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { metaheac, metaheacWith } from '../cli/in-process.ts';
import { newFolder, temporaryFolder } from '../fixture/folders.ts';
import { program } from '../fixture/program.ts';
import { IS_LONG, itUsual } from '../fixture/size.ts';
import { expectTidy } from './printed.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const MODEL = join(ROOT, 'models', 'demo');
const RUN_MS = 240_000;

let folder: string;
/** The demo's TMPDIR: what is left in it was not cleaned up. */
let temporary: string;
let smallData: string;

beforeAll(async () => {
  folder = temporaryFolder();
  temporary = newFolder(folder);
  smallData = join(folder, 'data');
  await generateDataSet({ out: smallData, users: 1000, trainCampaigns: 4, testCampaigns: 2, seed: '7', world: 'demo' });
});

const running = new Set<ChildProcess>();

/** A test that failed leaves no demo behind. */
afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
});

const leftovers = () => readdirSync(temporary);

interface Run {
  readonly child: ChildProcess;
  /** Both streams so far. */
  text(): string;
  /** Resolves when stdout holds `pattern`; rejects when the demo ends before. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
  readonly ended: Promise<{ code: number | null; stdout: string }>;
}

function startDemo(...args: string[]): Run {
  const child = spawn(process.execPath, [program(), 'demo', ...args], {
    cwd: ROOT,
    env: { ...process.env, TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  child.once('close', () => running.delete(child));
  let stdout = '';
  let stderr = '';
  const listeners = new Set<() => void>();
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk;
    for (const listener of listeners) listener();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk;
  });
  const ended = new Promise<{ code: number | null; stdout: string }>((resolve) =>
    child.once('close', (code) => resolve({ code, stdout })),
  );
  const until = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const look = () => {
        const found = pattern.exec(stdout);
        if (found) resolve(found);
      };
      listeners.add(look);
      void ended.then(({ code }) => reject(new Error(`the demo ended with ${code}: ${stdout}${stderr}`)));
      look();
    });
  return { child, text: () => stdout + stderr, until, ended };
}

describe('metaheac demo', () => {
  it.runIf(IS_LONG && hasPostgres())(
    'has the same audience in a cluster in which an engine is killed at work, and leaves nothing behind',
    async () => {
      // as root, the server of the database runs as another user, who must be able to enter the folder
      for (const path of [temporary, folder, dirname(folder)]) chmodSync(path, 0o755);
      const sumOf = async (...args: string[]) => {
        const run = startDemo(...args, '--data', smallData, '--model', MODEL);
        const { code, stdout } = await run.ended;
        expect(code, run.text()).toBe(0);
        expectTidy(stdout);
        return { stdout, sum: /^sha256 of the audience: ([0-9a-f]{64})$/m.exec(stdout)![1] };
      };
      const alone = await sumOf();
      const cluster = await sumOf('--cluster');
      expect(cluster.sum).toBe(alone.sum);
      expect(cluster.stdout).toMatch(/engine-[12] was adapting the model to the campaign, and is killed/);
      expect(leftovers()).toEqual([]);
    },
    RUN_MS,
  );

  itUsual(
    'keeps the service with --keep, prints commands that work as they are, and ends well on Ctrl-C',
    async () => {
      const run = startDemo('--keep', '--data', smallData, '--model', MODEL);
      const [, url] = (await run.until(
        /keeps running at (http:\/\/127\.0\.0\.1:\d+) .*Ctrl-C ends the service/s,
      )) as unknown as string[];
      expect(run.text()).toMatch(/queued [\d.]+ s, (finding [\d.]+ s, )?adapting [\d.]+ s, scoring [\d.]+ s, ranking /);
      expect(run.text().match(/^ +\d+ {2}person-\d{6} {2}[01]\.\d{4} {2}(yes|no) /gm)).toHaveLength(10);
      for (const method of ['MetaHeac', 'logistic regression', 'random'])
        expect(run.text()).toMatch(new RegExp(`^ +${method} +[\\d.]+ % `, 'm'));
      const commands = run.text().match(/^curl .*$/gm)!;
      const answers = commands.map((command) =>
        execFileSync('sh', ['-c', command], { cwd: folder, encoding: 'utf8', timeout: 20_000 }),
      );
      expect(JSON.parse(answers[0]!)).toMatchObject({ state: 'ready' });
      expect(JSON.parse(answers[1]!).items).toHaveLength(3);
      expect(JSON.parse(answers[2]!)).toMatchObject({ member: true, rank: 1 });
      expect(execFileSync('head', ['-1', join(folder, 'audience.csv')], { encoding: 'utf8' })).toBe(
        'rank,user_id,score,percentile\r\n',
      );
      expect(JSON.parse(answers[4]!)).toMatchObject({ seeds: { received: 12, known: 12 } });
      run.child.kill('SIGINT');
      const { code, stdout } = await run.ended;
      expect(code, run.text()).toBe(0);
      expectTidy(stdout);
      await expect(fetch(`${url}/livez`)).rejects.toThrow();
      expect(leftovers()).toEqual([]);
    },
    RUN_MS,
  );

  it.runIf(IS_LONG)(
    'undoes everything when it is interrupted at work, and says so by its exit code',
    async () => {
      const run = startDemo('--data', smallData, '--model', MODEL);
      const [, url] = (await run.until(/(http:\/\/127\.0\.0\.1:\d+) is ready/)) as unknown as string[];
      // as from a terminal under npm: the signal comes twice
      run.child.kill('SIGINT');
      setTimeout(() => run.child.kill('SIGINT'), 50);
      expect((await run.ended).code, run.text()).toBe(130);
      await expect(fetch(`${url}/livez`)).rejects.toThrow();
      expect(leftovers()).toEqual([]);
    },
    RUN_MS,
  );

  itUsual('refuses a model without a data set', async () => {
    const { status, stderr } = await metaheac('demo', '--model', MODEL);
    expect(status).toBe(1);
    expect(stderr).toMatch(/--model needs --data/);
  });

  itUsual('refuses a folder that is not a data set, and leaves nothing behind', async () => {
    const { status, stderr } = await metaheacWith({ TMPDIR: temporary }, 'demo', '--data', folder, '--model', MODEL);
    expect(status).toBe(1);
    expect(stderr).toMatch(/dataset\.json/);
    expect(leftovers()).toEqual([]);
  });
});

describe.runIf(IS_LONG)('trainModel', () => {
  it(
    'says how long it takes and trains the steps that fit, at least 25',
    async () => {
      const lines: string[] = [];
      const output = {
        ...createOutput(process.stdout, process.stderr),
        result: (line: string) => lines.push(line),
        progress() {},
      };
      const out = newFolder(folder);
      const model = await trainModel(smallData, out, { budgetMs: 0, clock: systemClock, output, threadsOn: () => 1 });
      expect(lines[0]).toMatch(/^Training a model first: 25 steps, about \d+ s on cpu/);
      expect(readdirSync(model)).toContain('manifest.json');
    },
    RUN_MS,
  );
});
