/** `metaheac dataset generate`. */
import { existsSync } from 'node:fs';
import { generateDataSet } from '../../../dataset/synthetic/synthetic.ts';
import { AppError } from '../../../lib/errors.ts';
import type { Output } from '../../../lib/output.ts';

export interface DatasetGenerateOptions {
  out: string;
  users: number;
  trainCampaigns: number;
  testCampaigns: number;
  seed: number;
  world: string;
}

export async function datasetGenerateCommand(options: DatasetGenerateOptions, output: Output): Promise<void> {
  const { out, seed } = options;
  if (existsSync(out)) throw new AppError('invalid_argument', `${out} already exists`);
  const { users, trainCampaigns, testCampaigns } = await generateDataSet({ ...options, seed: String(seed) });
  output.result(
    `${out}: ${users} synthetic people, ${trainCampaigns} train campaigns, ${testCampaigns.length} test campaigns`,
  );
}
