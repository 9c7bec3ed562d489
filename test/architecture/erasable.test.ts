/** Node can erase the types of every source and run what is left: a build would, or vitest does, read more than that. */
import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { filesOf, ROOT } from './files.ts';

/** Names the files that Node refuses, without running any. */
const PROGRAM = `
  import { readFileSync } from 'node:fs';
  import { stripTypeScriptTypes } from 'node:module';
  import { SourceTextModule } from 'node:vm';
  for (const file of JSON.parse(readFileSync(0, 'utf8')))
    try {
      new SourceTextModule(stripTypeScriptTypes(file.text ?? readFileSync(file.path, 'utf8')));
    } catch (error) {
      console.log(file.path + ': ' + error.message);
    }
`;

function refusedOf(files: readonly { path: string; text?: string }[]): string[] {
  const flags = ['--no-warnings', '--experimental-vm-modules', '--input-type=module', '-e', PROGRAM];
  const { status, stdout, stderr } = spawnSync(process.execPath, flags, {
    cwd: ROOT,
    encoding: 'utf8',
    input: JSON.stringify(files),
  });
  expect([status, stderr]).toEqual([0, '']);
  return stdout.split('\n').filter(Boolean);
}

it('can be done to every file', () => {
  const files = ['src', 'packages', 'test'].flatMap((folder) => filesOf('.ts', folder));
  expect(files.length).toBeGreaterThan(500);
  expect(refusedOf(files.map((path) => ({ path })))).toEqual([]);
});

it('is refused where it cannot', () => {
  const texts = [
    'enum A { a }',
    'class A { private declare(a: number) {} }',
    'class A { constructor(readonly a: number) {} }',
  ];
  expect(refusedOf(texts.map((text) => ({ path: 'a.ts', text })))).toHaveLength(texts.length);
  expect(refusedOf([{ path: 'a.ts', text: 'export const a: number = 1; declare const b: string;' }])).toEqual([]);
});
