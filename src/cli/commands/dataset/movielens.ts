/** `metaheac dataset movielens`. */

import { makeMovieLens } from '../../../dataset/converters/movielens.ts';
import type { Output } from '../../../lib/output.ts';
import type { ChoiceOptions } from './interactions.ts';
import { describeMade } from './made-data-set.ts';

export interface DatasetMovieLensOptions extends ChoiceOptions {
  in: string;
  out: string;
}

export async function datasetMovieLensCommand(options: DatasetMovieLensOptions, output: Output): Promise<void> {
  const made = await makeMovieLens({
    ...options,
    folder: options.in,
    minimumUsers: options.minimumUsers ?? null,
    campaigns: options.campaigns ?? null,
    seed: String(options.seed),
    onProgress: (line) => output.progress(line),
  });
  output.result(describeMade(options.out, made));
}
