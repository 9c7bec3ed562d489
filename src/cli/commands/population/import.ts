/** `metaheac population import`. */

import { openDataSet } from '../../../dataset/data-set.ts';
import { hasTokens } from '../../../lib/feature-kinds.ts';
import type { Output } from '../../../lib/output.ts';
import { readModelFolder } from '../../../model/folder.ts';
import { featureOf } from '../../../model/manifest.ts';
import { bind } from '../../../online/binding.ts';
import { importPopulation } from '../../../population/import.ts';
import { derivedFeatures, openPopulation } from '../../../population/read.ts';
import { describeVersion, destinationOf, reportStored } from './destination.ts';
import { countUses, storeImportedUserSides } from './import-model.ts';

export interface PopulationImportOptions {
  data: string;
  model: string;
  /** By default, the object storage of a cluster. */
  out?: string;
  maximumTokens?: number;
  readmitErased?: boolean;
}

export async function populationImportCommand(options: PopulationImportOptions, output: Output): Promise<void> {
  const model = readModelFolder(options.model);
  const features = model.manifest.features.user.map(featureOf);
  const out = await destinationOf(options.out, '--out', { ...options }, output);
  const result = await importPopulation({
    source: options.data,
    features,
    out,
    readmitErased: options.readmitErased === true,
    derived: await derivedFeatures(openDataSet(options.data), features),
    ...(options.maximumTokens === undefined ? {} : { limits: { maximumTokensPerList: options.maximumTokens } }),
    onProgress: (users) => output.progress(`${users} users`),
  });
  output.result(`${describeVersion(result.version, out)}: ${result.users} users, ` + `${result.newUsers} of them new`);
  if (result.erased > 0) output.result(`  ${result.erased} users were left out because they had been erased`);
  if (typeof out !== 'string') {
    for (const { name, kind } of features) {
      const tokens = hasTokens(kind) ? `, ${result.tokens[name]} tokens` : '';
      output.result(`  ${name}: ${result.coverage[name]} users have a value${tokens}`);
    }
    reportStored(out, output);
    return;
  }
  const population = openPopulation(out, { version: result.version });
  const binding = bind(model, population);
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
  await storeImportedUserSides({ model: options.model, population: out, version: result.version }, output);
}
