/** The README of packages/onnx-grad shows what its code does; its package.json names what it imports. */
import { execFile } from 'node:child_process';
import { copyFileSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Builder, readModel, tensor, writeModel } from '../../../packages/onnx-grad/index.ts';
import { ROOT } from '../../architecture/files.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { blocksOf, fiveMinutes, MODEL, PACKAGE } from './readme.ts';

/** The output of a script that imports the package's sources. */
async function output(code: string, folder = temporaryFolder()): Promise<string> {
  const source = pathToFileURL(join(PACKAGE, 'index.ts')).href;
  writeFileSync(join(folder, 'example.ts'), code.replace("'onnx-grad'", `'${source}'`));
  const { stdout } = await promisify(execFile)(process.execPath, ['example.ts'], { cwd: folder });
  return stdout;
}

describe('the README of onnx-grad', () => {
  it('has a five-minute example that prints the given output, and writes a model with other parameters', async () => {
    const folder = temporaryFolder();
    const example = fiveMinutes();
    copyFileSync(MODEL, join(folder, 'model.onnx'));
    expect(await output(example.code, folder)).toBe(example.output);
    const [before, after] = [MODEL, join(folder, 'adapted.onnx')].map((path) => readModel(readFileSync(path)));
    expect([...after!.initializers.keys()]).toEqual([...before!.initializers.keys()]);
    for (const [name, { shape, data }] of before!.initializers) {
      const moved = after!.initializers.get(name)!;
      expect(moved.shape).toEqual(shape);
      // Adam's first step changes every element that has a gradient by the rate
      expect(moved.data.some((x, i) => Math.abs(Number(x) - Number(data[i])) > 0.009)).toBe(true);
    }
  });

  it('has a five-minute example that leaves the sizes of a Reshape as they are', async () => {
    const folder = temporaryFolder();
    const b = new Builder();
    const x = b.input('x', 'float32', ['batch', 3]);
    const w = b.initializer('w', tensor('float32', [3, 1], [0.5, -1, 0.25]));
    const sizes = b.initializer('sizes', tensor('int64', [1], [-1]));
    const rows = b.add('Reshape', [b.add('MatMul', [x, w]), sizes]);
    const graph = b.build('example', [b.add('Sigmoid', [rows], {}, { name: 'score' })]);
    writeFileSync(join(folder, 'model.onnx'), writeModel(graph));
    expect(await output(fiveMinutes().code, folder)).toMatch(/^loss before: [\d.]+\nloss after: [\d.]+\n$/);
    const { initializers } = readModel(readFileSync(join(folder, 'adapted.onnx')));
    expect(initializers.get('sizes')).toEqual(graph.initializers.get('sizes'));
    expect(initializers.get('w')).not.toEqual(graph.initializers.get('w'));
  });

  it('shows the nodes of a first and of a second derivative', async () => {
    const [build, first, again, second] = blocksOf('From expression to second derivative');
    const code = [
      "import { Builder, differentiate, printGraph, prune, tensor } from 'onnx-grad';",
      build!.replace(/^printGraph\(.*\);$/m, (print) => `console.log(${print.slice(0, -1)});`),
      again!,
      'console.log(printGraph(second));',
    ];
    const printed = await output(code.join('\n'));
    const [begin, end] = second!.split('  ..\n');
    expect(printed).toContain(first!);
    expect(printed).toContain(begin!);
    expect(printed).toContain(end!);
  });

  it('names every file of the package', () => {
    const [files] = readFileSync(join(PACKAGE, 'README.md'), 'utf8').split('\n## Files\n')[1]!.split('\n## ');
    const generated = /generated|-wasm\.ts$/;
    const families = globSync('src/ops/*.ts', { cwd: PACKAGE }).filter(
      (path) => !/table|spec|attributes|dims|helpers/.test(path),
    );
    const composites = globSync('src/composites/*.ts', { cwd: PACKAGE }).filter((path) => !/table/.test(path));
    const missing = globSync('src/**/*.{ts,wat,proto}', { cwd: PACKAGE })
      .filter((path) => !generated.test(path) && !families.includes(path) && !composites.includes(path))
      .filter((path) => !files!.includes(`\`${path.slice(path.lastIndexOf('/') + 1)}\``));
    expect(missing).toEqual([]);
  });
});

describe('package.json of onnx-grad', () => {
  const read = (path: string) => JSON.parse(readFileSync(join(ROOT, path), 'utf8'));
  const own = read('packages/onnx-grad/package.json');

  it('depends on the packages that its sources import, in the versions that it is tested with', () => {
    const sources = globSync('{index.ts,src/**/*.ts}', { cwd: PACKAGE }).map((path) =>
      readFileSync(join(PACKAGE, path), 'utf8'),
    );
    const imported = sources.flatMap((text) => [
      ...text.matchAll(/(?:from |require\()'((?:@[^/']+\/)?[^./'][^/']*)[^']*'/g),
    ]);
    const packages = [...new Set(imported.map(([, name]) => name!))].filter((name) => !name.startsWith('node:'));
    expect(Object.keys(own.dependencies).sort()).toEqual(packages.sort());
    const root = read('package.json');
    for (const [name, version] of Object.entries(own.dependencies))
      expect([name, version]).toEqual([name, root.dependencies[name]]);
    expect([own.engines, own.license, own.type]).toEqual([root.engines, root.license, root.type]);
  });
});
