/** `metaheac population import`. */

import { openDataSet } from '../../../dataset/data-set.ts';
import type { Output } from '../../../lib/output.ts';
import { readModelFolder } from '../../../model/folder.ts';
import { featureOf } from '../../../model/manifest.ts';
import { bind } from '../../../online/binding.ts';
import { importPopulation } from '../../../population/import.ts';
import { derivedFeatures, openPopulation } from '../../../population/read.ts';
import { storeImportedUserSides } from './store-user-sides.ts';
import { countUses } from './token-uses.ts';

export interface PopulationImportOptions {
  data: string;
  model: string;
  out: string;
  maximumTokens?: number;
  readmitErased?: boolean;
}

export async function populationImportCommand(options: PopulationImportOptions, output: Output): Promise<void> {
  const model = readModelFolder(options.model);
  const features = model.manifest.features.user.map(featureOf);
  const result = await importPopulation({
    source: options.data,
    features,
    out: options.out,
    readmitErased: options.readmitErased === true,
    derived: await derivedFeatures(openDataSet(options.data), features),
    ...(options.maximumTokens === undefined ? {} : { limits: { maximumTokensPerList: options.maximumTokens } }),
    onProgress: (users) => output.progress(`${users} users`),
  });
  const population = openPopulation(options.out, { version: result.version });
  const binding = bind(model, population);
  output.result(
    `population version ${result.version} in ${options.out}: ${result.users} users, ${result.newUsers} of them new`,
  );
  if (result.erased > 0) output.result(`  ${result.erased} users were left out because they had been erased`);
  const uses = countUses(binding, population);
  for (const feature of binding.features) {
    const counts = uses.get(feature.name);
    if (!counts) {
      output.result(`  ${feature.name}: ${result.coverage[feature.name]} users have a value`);
      continue;
    }
    const share = counts.tokens === 0 ? 0 : (100 * counts.unknown) / counts.tokens;
    const dropped =
      feature.kind === 'multi'
        ? `, ${counts.dropped} uses ignored (only the first ${feature.maxLength} per user are read)`
        : '';
    output.result(
      `  ${feature.name}: ${result.tokens[feature.name]} tokens, ${counts.tokens} uses, ${share.toFixed(1)} ` +
        `% unknown to the model${dropped}`,
    );
  }
  await storeImportedUserSides({ model: options.model, population: options.out, version: result.version }, output);
}
