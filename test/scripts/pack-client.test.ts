/** The tarball of packages/client, installed in an empty folder by plain npm: the README's programs compile there. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../architecture/files.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { PACK_MS, pack, run } from './packed.ts';

describe('npm pack of the client', () => {
  it(
    'makes a tarball that plain npm installs in an empty folder, with the types of the README',
    () => {
      const folder = temporaryFolder();
      const tarball = pack('metaheac-client', folder);
      run(folder, 'npm', 'install', '--prefer-offline', `./${tarball}`);
      const installed = join(folder, 'node_modules/metaheac-client');
      expect(readdirSync(installed).sort()).toEqual(['LICENSE', 'README.md', 'dist', 'package.json']);

      const readme = readFileSync(join(installed, 'README.md'), 'utf8');
      const programs = [...readme.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code]) => code!);
      expect(programs).toHaveLength(2);
      const files = programs.map((code, i) => {
        writeFileSync(join(folder, `${i}.ts`), code);
        return `${i}.ts`;
      });
      const types = { typeRoots: [join(ROOT, 'node_modules/@types')], types: ['node'] };
      const compilerOptions = { strict: true, noEmit: true, target: 'es2024', module: 'nodenext', ...types };
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
      writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
      run(folder, process.execPath, join(ROOT, 'node_modules/typescript-native/bin/tsc'), '-p', '.');
      run(folder, process.execPath, '1.ts');
    },
    PACK_MS,
  );
});
