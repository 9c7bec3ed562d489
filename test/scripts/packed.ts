/** The tarballs of this repository, and commands that use them as in a terminal. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect } from 'vitest';
import { ROOT } from '../architecture/files.ts';
import { temporaryFolder } from '../fixture/folders.ts';

export const PACK_MS = 15 * 60_000;

/** Without what `npm test`, `.ci/run` and scripts/release.mjs say to the scripts that they start. */
const FOREIGN = /^(npm_(package|lifecycle|command|config_local_prefix)|INIT_CWD|ONNXRUNTIME|VITEST|METAHEAC|RELEASED)/;
const environment = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !FOREIGN.test(name))),
  // as docs/install.md has it: without, onnxruntime-node's installer downloads CUDA's binaries
  ONNXRUNTIME_NODE_INSTALL: 'skip',
  // saves seconds: an audit asks the registry
  npm_config_audit: 'false',
  npm_config_fund: 'false',
};

/** Files that commands leave here were not cleaned up. */
export const temporary = temporaryFolder();

/** Returns what a command prints, which must succeed. */
export function run(folder: string, command: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: folder,
    encoding: 'utf8',
    env: { ...environment, TMPDIR: temporary },
    timeout: PACK_MS,
    maxBuffer: 1 << 26,
  });
  expect(status, `${command} ${args.join(' ')}\n${stdout}${stderr}`).toBe(0);
  return stdout;
}

/**
 * Puts the tarball of a package into a folder and returns its name. scripts/release.mjs names a folder of tarballs, to
 * test the ones that it publishes.
 */
export function pack(name: string, folder: string): string {
  const given = process.env['RELEASED_TARBALLS'];
  const find = (from: string) => globSync(`${name}-[0-9]*.tgz`, { cwd: from }).map((path) => join(from, path));
  if (given !== undefined) for (const path of find(given)) cpSync(path, join(folder, basename(path)));
  else run(name === 'metaheac' ? copyTree() : build(name), 'npm', 'pack', '--silent', '--pack-destination', folder);
  const found = find(folder);
  expect(found).toHaveLength(1);
  return basename(found[0]!);
}

/** What git tracks, or would, with the packages of this repository: packing writes into the tree that it packs. */
function copyTree(): string {
  const tree = temporaryFolder();
  const paths = run(ROOT, 'git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard').split('\0');
  for (const path of paths.filter((each) => each !== '' && existsSync(join(ROOT, each)))) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    cpSync(join(ROOT, path), join(tree, path));
  }
  symlinkSync(join(ROOT, 'node_modules'), join(tree, 'node_modules'));
  return tree;
}

function build(name: string): string {
  const built = join(temporaryFolder(), name);
  run(ROOT, 'npm', 'run', '--silent', `build:${name.replace('metaheac-', '')}`, '--', built);
  return built;
}
