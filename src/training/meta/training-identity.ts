/** The properties that two training runs must share if one of them is to resume from the checkpoint of the other. */
import { createHash } from 'node:crypto';
import type { AdaptationSettings } from '../../model/manifest.ts';
import { libraryOf } from '../choices/choose-blend.ts';
import type { PreparedDataSet } from '../history/prepared-data-set.ts';
import type { TrainSettings } from '../settings.ts';

/**
 * A digest of the data, the settings except the number of steps, and the closed forms of the stack before training (a
 * checkpoint stores the weights of these forms by position).
 */
export function trainingIdentity(
  { population, history, dataSet, userFeatures }: PreparedDataSet,
  { steps, ...settings }: TrainSettings,
  adaptation: AdaptationSettings,
): string {
  const { name, campaignFeatures } = dataSet;
  const hash = createHash('sha256');
  const features = userFeatures.map(({ kept, ...rest }) => (kept ? { ...rest, kept: kept.codes.length } : rest));
  const library = adaptation.optimiser === 'gradient_descent' ? libraryOf(adaptation) : [];
  const facts = JSON.stringify([name, features, campaignFeatures, population.version, settings, library]);
  // the facts keep the wording of earlier versions, so that checkpoints of those versions stay valid
  hash.update(facts.replaceAll('"kind":"logistic"', '"kind":"companion"'));
  for (const { id, split, features, train } of history.campaigns) {
    if (split !== 'train') continue;
    hash.update(JSON.stringify([id, features]));
    hash.update(train.users).update(train.labels);
  }
  return hash.digest('hex');
}
