/** Describes a model for the API, from its manifest and vocabularies. */

import { formsOf, hasOwnLogits } from '../../model/blend.ts';
import type { ModelFolder } from '../../model/folder.ts';
import { featureOf, type Manifest } from '../../model/manifest.ts';
import type { Vocabulary } from '../../model/vocabulary.ts';
import type { CampaignFeature, ModelFacts, ValueList } from '../ports/served.ts';

/** Facts about a model for users of the API. */
export function describeModel({ name, created, adaptation, evaluation }: Manifest): ModelFacts {
  return {
    name,
    createdAt: created,
    adaptation: {
      optimiser: adaptation.optimiser,
      negatives_per_seed: adaptation.negatives_per_seed,
      summary: summaryOf(adaptation),
    },
    evaluation,
  };
}

/** Tokens of a vocabulary by id. */
export function valuesOf({ size, tokens }: Vocabulary): ValueList {
  return { size, token: (code) => tokens[code - 1]! };
}

function summaryOf(adaptation: Manifest['adaptation']): string {
  if (adaptation.optimiser === 'adam') {
    const { epochs, rate, batch, early_stopping } = adaptation;
    const upTo = early_stopping === null ? '' : 'up to ';
    return `Adam at rate ${rate}, ${upTo}${epochs} epochs with batches of ${batch}`;
  }
  const { rates, steps, first_pass } = adaptation;
  const kinds = new Set(formsOf(adaptation).map(({ kind }) => kind));
  const parameters = Object.keys(rates);
  const passes = first_pass === null ? '' : `, after a first pass of ${first_pass.steps} to find likely members`;
  const parts = [
    ...(kinds.has('logistic') ? ['logistic regression on the seeds'] : []),
    ...(kinds.has('regression') ? ['regression on the whole population'] : []),
  ];
  if (!hasOwnLogits(adaptation)) return `${parts.join(' and ')} alone, without gradient descent`;
  const fitted = parts.length === 0 ? '' : `; ${parts.join(' and ')} ${parts.length > 1 ? 'are' : 'is'} added`;
  return (
    `gradient descent on ${parameters.join(', ')}, ${steps.at_50_seeds} steps at 50 seeds (at most ` +
    `${steps.maximum})${passes}${fitted}`
  );
}

/** Empty list of values, for numeric features. */
const NO_VALUES: ValueList = { size: 1, token: () => '' };

/** Campaign features that a model reads. */
export function campaignFeaturesOf({ manifest, vocabularies }: ModelFolder): CampaignFeature[] {
  return manifest.features.campaign.map((feature) => {
    const vocabulary = vocabularies.get(`campaign.${feature.name}`);
    return {
      ...featureOf(feature),
      isKnown: (value) => vocabulary !== undefined && vocabulary.find(value) !== 0,
      values: vocabulary ? valuesOf(vocabulary) : NO_VALUES,
    };
  });
}
