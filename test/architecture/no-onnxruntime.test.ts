/**
 * ONNX Runtime stays out of the API process, and out of the threads that it starts: a session blocks the thread that
 * runs it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');

/** The packages that a module loads, itself or through others; types are not loaded. */
function packagesOf(module: string): Set<string> {
  const packages = new Set<string>();
  const done = new Set<string>();
  const queue = [join(ROOT, module)];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (done.has(file)) continue;
    done.add(file);
    const imports = readFileSync(file, 'utf8').matchAll(/^(?:import|export) (?!type )[^;]*?from '([^']+)'/gm);
    for (const [, name] of imports) {
      if (name!.startsWith('.')) queue.push(join(file, '..', name!));
      else packages.add(name!);
    }
  }
  return packages;
}

describe('ONNX Runtime', () => {
  it.each([
    ['src/cli/service.ts', 'fastify'],
    ['src/worker/export-thread.ts', '@bufbuild/protobuf'],
  ])('is not loaded by %s', (module, needed) => {
    expect(packagesOf(module)).toContain(needed);
    expect(packagesOf(module)).not.toContain('onnxruntime-node');
  });

  it('is loaded by the thread that adapts and scores', () => {
    expect(packagesOf('src/worker/thread.ts')).toContain('onnxruntime-node');
  });
});
