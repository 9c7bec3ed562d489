/** What every command says of itself, how a misuse of it ends, and how a shell completes it. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { completionScript, SHELLS } from '../../src/cli/commands/completion.ts';
import { exampleOf } from '../../src/cli/help.ts';
import { createOutput } from '../../src/cli/output.ts';
import { createProgram } from '../../src/cli/program.ts';
import { DEFAULT_TRAIN_SETTINGS, PUBLISHED_TRAIN_SETTINGS } from '../../src/training/settings.ts';
import { ROOT } from '../architecture/files.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { metaheac, metaheacWith } from './in-process.ts';

const stream = new PassThrough();
const program = createProgram(createOutput(stream, stream), stream, stream);

interface Leaf {
  readonly path: string;
  readonly command: Command;
}

function leavesOf(command: Command, path: string): Leaf[] {
  if (command.commands.length === 0) return [{ path, command }];
  return command.commands.flatMap((child) => leavesOf(child, `${path} ${child.name()}`));
}

const leaves = leavesOf(program, 'metaheac');

describe.each(leaves)('$path', ({ path, command }) => {
  const help = () => {
    let text = '';
    command.configureOutput({ writeOut: (part) => (text += part) }).outputHelp();
    return text;
  };

  it('describes itself, and ends with an example that it takes', () => {
    expect(command.description()).toMatch(/^[a-zA-Z]/);
    const examples = exampleOf(command)!;
    expect(help()).toContain(`\nExample:\n${examples.map((line) => `  ${line}`).join('\n')}`);
    for (const example of examples) {
      expect(example.replace(/^source <\((.*)\)$/, '$1')).toMatch(new RegExp(`^${path}( |$)`));
      const flags = [...example.matchAll(/ (--[a-z-]+)/g)].map(([, flag]) => flag);
      expect(command.options.map(({ long }) => long)).toEqual(expect.arrayContaining(flags));
      for (const { long, mandatory } of command.options) if (mandatory) expect(flags).toContain(long);
      const words = command.registeredArguments.filter(({ required }) => required).length;
      expect(example.split(' ').length).toBeGreaterThanOrEqual(path.split(' ').length + words + 2 * flags.length - 1);
    }
  });

  it('says what each option is if it is not given', () => {
    const lines = help()
      .replace(/\n {10,}/g, ' ')
      .split('\n');
    for (const option of command.options) {
      if (option.hidden || option.isBoolean()) continue;
      const line = lines.find((one) => one.trim().startsWith(option.flags))!;
      expect(line).toMatch(/[(;] ?(default: [^)]+|required( without --store)?)\)/);
    }
  });

  it('refuses an option that it does not have, with exit code 2 and one prefix', async () => {
    const { status, stdout, stderr } = await metaheac(...path.split(' ').slice(1), '--frobnicate');
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^metaheac: (unknown option '--frobnicate'|required option '--.+' not specified)\n/);
  });
});

it('names the defaults of training as training has them', () => {
  const train = leaves.find(({ path }) => path === 'metaheac train')!.command;
  const { taskCount, experts, critics, batchSize, seed, embedding, innerRate, outerRate, steps } =
    DEFAULT_TRAIN_SETTINGS;
  const published = PUBLISHED_TRAIN_SETTINGS;
  const told = (value: number, other: number) =>
    value === other ? `(default: ${value})` : `(default: ${value}; published: ${other})`;
  for (const [flag, text] of [
    ['--task-count', told(taskCount, published.taskCount)],
    ['--num-expert', told(experts, published.experts)],
    ['--num-output', told(critics, published.critics)],
    ['--batchsize', told(batchSize, published.batchSize)],
    ['--seed', told(seed, published.seed)],
    ['--embedding', told(embedding, published.embedding)],
    ['--inner-rate', told(innerRate, published.innerRate)],
    ['--outer-rate', told(outerRate, published.outerRate)],
    ['--steps', told(steps, published.steps)],
  ])
    expect(train.options.find(({ long }) => long === flag)!.description).toContain(text);
});

it('prints its version', async () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  expect(await metaheac('--version')).toMatchObject({ status: 0, stdout: `${version}\n` });
});

describe('usage errors', () => {
  it.each([
    [['frobnicate'], "unknown command 'frobnicate'"],
    [['model', 'show'], "missing required argument 'dir'"],
    [['train', '--out', 'x'], "required option '--data <dir>' not specified"],
    [['serve', '--port', 'http'], '--port "http": not a whole number'],
    [['serve'], '--data-dir (or METAHEAC_DATA_DIR, or data_dir in a configuration file) is required, unless --store'],
    [['config', '--config', 'none.yaml'], 'none.yaml: not found'],
    [['verify'], 'in a configuration file; or a cluster: --store and --blobs'],
    [['keys', 'create', 'x', '--name', 'a', '--scope', 'admin', '--label', 'a=b'], 'cannot have labels'],
    [['keys', 'create', 'x', '--name', 'a', '--expires-in', 'soon'], '--expires-in'],
    [['migrate-store', 'a', 'b', '--blobs', 's3://bucket'], 'one of FROM and TO is a data folder'],
    [['migrate-store', 'a', 'postgres://u:p@x', '--blobs', 's3://bucket'], 'use PGPASSFILE'],
    [['migrate-store', 'a', 'http://x', '--blobs', 's3://bucket'], 'the URL of a cluster begins with postgres://'],
    [['migrate-store', 'a', 'postgres://x'], 'name the object storage'],
    [['restore', ROOT], "required option '--data-dir <dir>' not specified"],
    [['completion', 'tcsh'], "'tcsh' is invalid"],
    [['model', 'list', '--url', 'nowhere'], '--url "nowhere" is not an address'],
  ])('end with exit code 2: %j', async (args, part) => {
    const { status, stdout, stderr } = await metaheac(...args);
    expect(stderr).toMatch(/^metaheac: /);
    expect(stderr).toContain(part);
    expect([status, stdout]).toEqual([2, '']);
  });
});

describe('a path that does not exist', () => {
  const missing = join(temporaryFolder(), 'missing');
  const out = join(temporaryFolder(), 'out');
  it.each([
    ['evaluate', '--data', ROOT, '--model', 'models/demo'],
    ['train', '--data', missing, '--out', out],
    ['model', 'show', missing],
    ['model', 'import', missing, '--infer'],
    ['population', 'schema', `${missing}.csv`, '--infer'],
    ['population', 'erase', ROOT, '--ids', missing],
    ['keys', 'list', missing],
    ['migrate-store', missing, 'postgres://db.example/x', '--blobs', 's3://bucket'],
    ['dataset', 'interactions', '--in', missing, '--out', out, '--user', 'u', '--item', 'i'],
    ['openapi', '--check', missing],
    ['serve', '--data-dir', out, '--model', missing, '--population', missing],
  ])('is "not found", with its path: %s %s %s', async (...args) => {
    const { status, stderr } = await metaheac(...args);
    const line = stderr.split('\n').find((one) => one.startsWith('metaheac: '))!;
    expect(line).toMatch(/: not found(:|$)/);
    expect(line).toContain(args.some((arg) => arg.startsWith(missing)) ? missing : join(ROOT, 'dataset.json'));
    expect(stderr).not.toContain('ENOENT');
    expect(status).toBe(1);
  });
});

describe('completion', () => {
  const script = join(temporaryFolder(), 'completion.bash');
  writeFileSync(script, completionScript(program, 'bash'));

  /** What bash offers for the last of these words. */
  function complete(...words: readonly string[]): string[] {
    const { stdout, stderr } = spawnSync(
      'bash',
      [
        '-c',
        'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _metaheac; IFS=$\'\\n\'; echo "$' + '{COMPREPLY[*]}"',
        script,
        ...words,
      ],
      { encoding: 'utf8' },
    );
    expect(stderr).toBe('');
    return stdout.split('\n').filter((line) => line !== '');
  }

  it.each([
    [['metaheac', 'mo'], ['model']],
    [['metaheac', 'model', 'pro'], ['promote']],
    [['metaheac', 'model', 'promote', 'models/second', '--u'], ['--url']],
    [
      ['metaheac', 'keys', 'create', '--data-dir', 'd', '--scope', ''],
      ['read', 'write', 'admin'],
    ],
    [
      ['metaheac', 'completion', ''],
      [...SHELLS, '--help'],
    ],
    [['metaheac', 'serve', '--lease'], []],
  ])('offers in bash what may follow: %j', (words, expected) => {
    expect(complete(...words).sort()).toEqual([...expected].sort());
  });

  it.each(SHELLS)('has every command and every option in the script of %s', async (shell) => {
    const { status, stdout } = await metaheac('completion', shell);
    expect(status).toBe(0);
    for (const { path, command } of leaves) {
      expect(stdout).toContain(path);
      for (const { long, hidden } of command.options)
        if (!hidden) expect(stdout).toContain(shell === 'fish' ? `-l ${long!.slice(2)} ` : long);
    }
  });
});

describe('settings that a cluster does not need', () => {
  it('are said to be required only without --store', async () => {
    const { stdout } = await metaheac('serve', '--help');
    const help = stdout.replaceAll(/\s+/g, ' ');
    for (const flag of ['--data-dir <dir>', '--model <dir>', '--population <dir>'])
      expect(help).toMatch(new RegExp(`${flag} [^<]*\\(required without --store\\)`));
    // a command for data folders only
    expect((await metaheac('keys', 'list', '--help')).stdout.replaceAll(/\s+/g, ' ')).toMatch(
      /--data-dir <dir> [^<]*\(required[ )]/,
    );
  });

  it('are not shown as required by config in a cluster', async () => {
    const env = { METAHEAC_STORE: 'postgres://a@b/c', METAHEAC_BLOBS: 's3://bucket/prefix' };
    const lines = async (given: Readonly<Record<string, string>>) =>
      (await metaheacWith(given, 'config')).stdout.split('\n').map((line) => line.replaceAll(/ {2,}/g, '  '));
    expect(await lines(env)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^data_dir {2}\(none in a cluster\)/),
        expect.stringMatching(/^model {2}\(what the cluster serves\)/),
        expect.stringMatching(/^population {2}\(what the cluster serves\)/),
      ]),
    );
    expect(await lines({})).toEqual(
      expect.arrayContaining([expect.stringMatching(/^model {2}\(required without a store\)/)]),
    );
  });
});
