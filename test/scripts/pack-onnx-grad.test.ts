/** The tarball of packages/onnx-grad, installed in an empty folder by plain npm: the README's example works there. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../architecture/files.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { fiveMinutes, MODEL } from '../onnx-grad/readme/readme.ts';

const PACK_MS = 10 * 60_000;

/** As in a terminal: without what `npm test` and `.ci/run` say to the scripts that they start. */
const FOREIGN = /^(npm_(package|lifecycle|command|config_local_prefix)|INIT_CWD|ONNXRUNTIME|VITEST|METAHEAC)/;
const environment = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !FOREIGN.test(name))),
  // as the README has it: otherwise, onnxruntime-node's installer downloads CUDA's binaries
  ONNXRUNTIME_NODE_INSTALL: 'skip',
};

function run(folder: string, command: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: folder,
    encoding: 'utf8',
    env: environment,
    timeout: PACK_MS,
  });
  expect(status, `${command} ${args.join(' ')}\n${stdout}${stderr}`).toBe(0);
  return stdout;
}

/** The names of all installed packages, nested ones included. */
function installedIn(folder: string): string[] {
  const { packages } = JSON.parse(readFileSync(join(folder, 'node_modules/.package-lock.json'), 'utf8'));
  return Object.keys(packages).map((path) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length));
}

describe('npm pack of onnx-grad', () => {
  it(
    'makes a tarball that plain npm installs in an empty folder, and the five-minute example runs there, typed',
    () => {
      const [built, folder] = [join(temporaryFolder(), 'onnx-grad'), temporaryFolder()];
      run(ROOT, process.execPath, 'scripts/build-onnx-grad.mjs', built);
      run(built, 'npm', 'pack', '--silent', '--pack-destination', folder);
      const [tarball, ...others] = readdirSync(folder);
      expect([tarball, others]).toEqual([expect.stringMatching(/^onnx-grad-\d.*\.tgz$/), []]);

      run(folder, 'npm', 'install', '--prefer-offline', `./${tarball}`);
      const installed = join(folder, 'node_modules/onnx-grad');
      expect(readdirSync(installed).sort()).toEqual(['LICENSE', 'README.md', 'dist', 'package.json']);
      expect(existsSync(join(installed, 'dist/index.d.ts'))).toBe(true);
      // nothing of the service in its tree
      const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
      const shared = installedIn(folder).filter((name) => dependencies[name] !== undefined);
      expect(shared.sort()).toEqual(['@bufbuild/protobuf', 'onnxruntime-node']);

      const { code, output } = fiveMinutes();
      copyFileSync(MODEL, join(folder, 'model.onnx'));
      writeFileSync(join(folder, 'example.ts'), code);
      expect(run(folder, process.execPath, 'example.ts')).toBe(output);
      expect(existsSync(join(folder, 'adapted.onnx'))).toBe(true);

      writeFileSync(
        join(folder, 'tsconfig.json'),
        JSON.stringify({
          compilerOptions: {
            strict: true,
            noUncheckedIndexedAccess: true,
            noEmit: true,
            target: 'es2024',
            module: 'nodenext',
            typeRoots: [join(ROOT, 'node_modules/@types')],
            types: ['node'],
          },
          files: ['example.ts'],
        }),
      );
      writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
      run(folder, process.execPath, join(ROOT, 'node_modules/typescript-native/bin/tsc'), '-p', '.');
    },
    PACK_MS,
  );
});
