/** What the API tells of a model. */
import { describe, expect, it } from 'vitest';
import { DEMO_MODEL } from '../../src/demo/material.ts';
import type { ClosedForm } from '../../src/model/blend.ts';
import { readModelFolder } from '../../src/model/folder.ts';
import { DEFAULT_ADAPTATION } from '../../src/model/manifest.ts';
import { describeModel, valuesOf } from '../../src/service/served/served-state.ts';
import { withStack } from '../../src/training/choices/choose-blend.ts';
import { DEFAULT_DESCENT } from '../../src/training/choices/descent.ts';

const { manifest, vocabularies } = readModelFolder(DEMO_MODEL);

describe('describeModel', () => {
  it('says in a sentence how the model is adapted', () => {
    expect(describeModel(manifest).adaptation).toEqual({
      optimiser: 'gradient_descent',
      negatives_per_seed: 10,
      summary:
        'gradient descent on heads.wide, heads.query, heads.bias, 20 steps at 50 seeds (at most 200), after a ' +
        'first pass of 10 to find likely members; logistic regression on the seeds and regression on the whole population are added',
    });
    expect(describeModel({ ...manifest, adaptation: DEFAULT_ADAPTATION }).adaptation.summary).toBe(
      'Adam at rate 0.003, up to 5 epochs with batches of 512',
    );
  });

  it('says what a model is made of whose heads do not count', () => {
    const none = { few: 0, many: 0 };
    const one = { few: 1, many: 1 };
    const stackOf = (forms: readonly ClosedForm[]) =>
      describeModel({ ...manifest, adaptation: withStack(DEFAULT_DESCENT, forms, [none, ...forms.map(() => one)]) })
        .adaptation.summary;
    const regression = { kind: 'regression' as const, strength: 0.05, power: 0 };
    expect(stackOf([regression])).toBe('regression on the whole population alone, without gradient descent');
    expect(stackOf([{ kind: 'logistic', strengths: { 'heads.wide': 0.1 } }, regression])).toBe(
      'logistic regression on the seeds and regression on the whole population alone, without gradient descent',
    );
  });
});

describe('valuesOf', () => {
  it('returns the tokens of a vocabulary by id', () => {
    const vocabulary = vocabularies.get('campaign.category')!;
    const values = valuesOf(vocabulary);
    expect(values.size).toBe(vocabulary.size);
    for (let id = 1; id < values.size; id++) expect(vocabulary.find(values.token(id))).toBe(id);
  });
});
