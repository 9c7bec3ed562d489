/** `metaheac dataset generate`. */
import { existsSync } from 'node:fs';
import { AppError } from '../../lib/errors.ts';
import { generateDataSet } from '../../offline/synthetic.ts';
import type { Output } from '../output.ts';

export interface DatasetGenerateOptions {
  out: string;
  users: number;
  trainCampaigns: number;
  testCampaigns: number;
  seed: number;
  world: string;
}

export async function datasetGenerateCommand(options: DatasetGenerateOptions, output: Output): Promise<void> {
  if (existsSync(options.out)) throw new AppError('invalid_argument', `${options.out} is there already`);
  const { users, trainCampaigns, testCampaigns } = await generateDataSet({ ...options, seed: String(options.seed) });
  output.result(
    `${options.out}: ${users} synthetic people, ${trainCampaigns} train campaigns, ${testCampaigns.length} test campaigns`,
  );
}
