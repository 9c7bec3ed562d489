/** `metaheac dataset tencent`. */

import { makeTencent } from '../../../dataset/converters/tencent.ts';
import type { Output } from '../../../lib/output.ts';
import { describeMade } from './made-data-set.ts';

export interface DatasetTencentOptions {
  in: string;
  out: string;
  threshold: number;
  testShare: number;
  minimumUsers: number;
  negatives?: number;
  seed: number;
}

export async function datasetTencentCommand(options: DatasetTencentOptions, output: Output): Promise<void> {
  const made = await makeTencent({
    ...options,
    folder: options.in,
    negatives: options.negatives ?? null,
    seed: String(options.seed),
    onProgress: (line) => output.progress(line),
  });
  output.result(describeMade(options.out, made));
}
