/** The machine that a benchmark runs on. */
import { createRequire } from 'node:module';
import { cpus } from 'node:os';

export type Machine = Readonly<Record<'cores' | 'processor' | 'node' | 'onnxruntime', string | number>>;

export function thisMachine(): Machine {
  return {
    cores: cpus().length,
    processor: cpus()[0]?.model ?? 'unknown',
    node: process.version,
    onnxruntime: createRequire(import.meta.url)('onnxruntime-node/package.json').version as string,
  };
}

export function machineLine({ cores, processor, node, onnxruntime }: Machine): string {
  return `${cores} x ${processor}, Node ${node}, ONNX Runtime ${onnxruntime}`;
}
