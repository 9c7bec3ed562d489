/** The tarball of packages/onnx-grad, installed in an empty folder by plain npm: the README's example works there. */
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../architecture/files.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { fiveMinutes, MODEL } from '../onnx-grad/readme/readme.ts';
import { PACK_MS, pack, run } from './packed.ts';

/** The names of all installed packages, nested ones included. */
function installedIn(folder: string): string[] {
  const { packages } = JSON.parse(readFileSync(join(folder, 'node_modules/.package-lock.json'), 'utf8'));
  return Object.keys(packages).map((path) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length));
}

describe('npm pack of onnx-grad', () => {
  it(
    'makes a tarball that plain npm installs in an empty folder, and the five-minute example runs there, typed',
    () => {
      const folder = temporaryFolder();
      const tarball = pack('onnx-grad', folder);
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
