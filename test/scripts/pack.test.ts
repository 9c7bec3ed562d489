/** The tarball of `npm pack`, installed in an empty folder by plain npm: `npx metaheac` works there. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../architecture/files.ts';
import { expectMainJob } from '../demo/printed.ts';
import { temporaryFolder } from '../fixture/folders.ts';

const PACK_MS = 15 * 60_000;

/** As in a terminal: without what `npm test` and `.ci/run` say to the scripts that they start. */
const FOREIGN = /^(npm_(package|lifecycle|command|config_local_prefix)|INIT_CWD|ONNXRUNTIME|VITEST|METAHEAC)/;
const environment = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !FOREIGN.test(name))),
  // as docs/install.md has it: without, onnxruntime-node's installer downloads CUDA's binaries
  ONNXRUNTIME_NODE_INSTALL: 'skip',
};

/** Files that commands leave here were not cleaned up. */
const temporary = temporaryFolder();

function run(folder: string, command: string, ...args: string[]): { stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: folder,
    encoding: 'utf8',
    env: { ...environment, TMPDIR: temporary },
    timeout: PACK_MS,
    maxBuffer: 1 << 26,
  });
  expect(status, `${command} ${args.join(' ')}\n${stdout}${stderr}`).toBe(0);
  return { stdout, stderr };
}

/** What git tracks, or would, with the packages of this repository: packing writes into the tree that it packs. */
function copyTree(): string {
  const tree = temporaryFolder();
  const { stdout } = run(ROOT, 'git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard');
  for (const path of stdout.split('\0').filter((each) => each !== '' && existsSync(join(ROOT, each)))) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    cpSync(join(ROOT, path), join(tree, path));
  }
  symlinkSync(join(ROOT, 'node_modules'), join(tree, 'node_modules'));
  return tree;
}

/** Relative links of the package's own pages that lead to nothing in it. */
function brokenLinksOf(installed: string): string[] {
  const docs = readdirSync(join(installed, 'docs')).map((name) => `docs/${name}`);
  return ['README.md', 'CHANGELOG.md', ...docs].flatMap((page) => {
    const targets = [...readFileSync(join(installed, page), 'utf8').matchAll(/\]\(([^)\s]+)\)/g)];
    return targets.flatMap(([, target = '']) => {
      const path = join(installed, dirname(page), target.split('#')[0]!);
      return /^([a-z]+:|#)/.test(target) || existsSync(path) ? [] : [`${page}: ${target}`];
    });
  });
}

describe('npm pack', () => {
  it(
    'makes a tarball that plain npm installs in an empty folder, and npx metaheac demo works there',
    () => {
      const tree = copyTree();
      const folder = temporaryFolder();
      run(tree, 'npm', 'pack', '--silent', '--pack-destination', folder);
      const [tarball, ...others] = readdirSync(folder);
      expect([tarball, others]).toEqual([expect.stringMatching(/^metaheac-\d.*\.tgz$/), []]);

      run(folder, 'npm', 'install', '--prefer-offline', `./${tarball}`);
      const installed = join(folder, 'node_modules/metaheac');
      const packages = readdirSync(join(folder, 'node_modules'));
      expect(packages).toContain('onnxruntime-node');
      // nothing of development, and nothing that is compiled or downloaded on the user's machine
      for (const absent of ['typescript', 'vitest']) expect(packages).not.toContain(absent);
      for (const absent of ['src', 'test', '.ci']) expect(existsSync(join(installed, absent)), absent).toBe(false);
      expect(brokenLinksOf(installed)).toEqual([]);
      const runtime = join(folder, 'node_modules/onnxruntime-node/bin/napi-v6', process.platform, process.arch);
      expect(readdirSync(runtime).filter((name) => name.includes('cuda'))).toEqual([]);
      const bill = JSON.parse(readFileSync(join(installed, 'dist/sbom.cdx.json'), 'utf8'));
      expect(bill.components.length).toBeGreaterThan(50);

      writeFileSync(join(folder, 'unrelated.txt'), '');
      const { stdout } = run(folder, 'npx', 'metaheac', 'demo');
      expect(stdout).toContain('npx metaheac demo --keep ');
      expectMainJob(stdout);
      expect(readdirSync(temporary).filter((name) => name.startsWith('metaheac'))).toEqual([]);
      expect(readdirSync(folder).sort()).toEqual(
        [tarball, 'node_modules', 'package-lock.json', 'package.json', 'unrelated.txt'].sort(),
      );
    },
    PACK_MS,
  );
});
