/** The API process and programs that only read and write graphs do not load ONNX Runtime. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');

/** Whether a process that loads `module`, and then runs `code`, has loaded ONNX Runtime. */
async function loadsOnnxRuntime(module: string, code = ''): Promise<boolean> {
  const script =
    `const loaded = await import(${JSON.stringify(join(ROOT, module))}); ${code};` +
    `const { createRequire } = await import('node:module');` +
    `const { cache } = createRequire(${JSON.stringify(join(ROOT, 'package.json'))});` +
    `console.log(Object.keys(cache).some((path) => path.includes('onnxruntime-node')));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
  return JSON.parse(stdout);
}

describe('ONNX Runtime', () => {
  it('is not loaded by the API process', async () => {
    const server = `await import(${JSON.stringify(join(ROOT, 'src/http/app.ts'))})`;
    expect(await loadsOnnxRuntime('src/service/service.ts', server)).toBe(false);
  });

  it('is loaded with the first session', async () => {
    const onnxGrad = 'packages/onnx-grad/index.ts';
    const open =
      "const b = new loaded.Builder(); const x = b.input('x', 'float32', [1]);" +
      "await (await loaded.openSession(b.build('g', [b.add('Add', [x, x])]))).close()";
    expect(await loadsOnnxRuntime(onnxGrad)).toBe(false);
    expect(await loadsOnnxRuntime(onnxGrad, open)).toBe(true);
  });
});
