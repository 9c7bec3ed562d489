/** `metaheac dataset generate`. */
import { existsSync } from 'node:fs';
import { SHAPES } from '../../../../packages/lab/scenarios/catalogue.ts';
import type { ShapeName } from '../../../../packages/lab/scenarios/names.ts';
import { generateShape } from '../../../../packages/lab/scenarios/shape.ts';
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
  /** Instead of people with traits; a shape has its own numbers of users and campaigns. */
  shape?: ShapeName;
}

export async function datasetGenerateCommand(options: DatasetGenerateOptions, output: Output): Promise<void> {
  const { out, shape: name } = options;
  if (existsSync(out)) throw new AppError('invalid_argument', `${out} already exists`);
  const seed = String(options.seed);
  if (name !== undefined) {
    const shape = SHAPES[name];
    await generateShape(shape, { out, seed });
    output.result(`${out}: ${sizes({ ...shape, people: 'users' })}\n${shape.about}`);
    return;
  }
  const { users, trainCampaigns, testCampaigns } = await generateDataSet({ ...options, seed });
  output.result(`${out}: ${sizes({ users, trainCampaigns, testCampaigns: testCampaigns.length, people: 'people' })}`);
}

function sizes(made: { users: number; people: string; trainCampaigns: number; testCampaigns: number }): string {
  const { users, people, trainCampaigns, testCampaigns } = made;
  return `${users} synthetic ${people}, ${trainCampaigns} train campaigns, ${testCampaigns} test campaigns`;
}
