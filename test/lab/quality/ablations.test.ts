/** Ablations leave out what they name, in training and online, and keep the rest. */
import { describe, expect, it } from 'vitest';
import { ABLATIONS, REFERENCE_SETTINGS, WHOLES } from '../../../packages/lab/quality/ablations.ts';
import { HEADS, LATENT_TABLE } from '../../../src/model/architectures/heads.ts';
import { blendOf } from '../../../src/model/blend.ts';
import type { DescentSettings } from '../../../src/model/manifest.ts';
import { LIBRARY, stackBefore, withStack } from '../../../src/training/choices/choose-blend.ts';
import { DEFAULT_DESCENT } from '../../../src/training/choices/descent.ts';
import type { TrainSettings } from '../../../src/training/settings.ts';

const find = (name: string) => ABLATIONS.find((one) => one.name === name)!;
const trained = (name: string): TrainSettings => find(name).train!(REFERENCE_SETTINGS);

/** As it may be chosen. */
const CHOSEN: DescentSettings = {
  ...withStack(DEFAULT_DESCENT, LIBRARY, stackBefore(LIBRARY, 0.3)),
  rates: { [HEADS.wide]: 2, [HEADS.query]: 0.5, [HEADS.bias]: 12.5 },
};

describe('ABLATIONS', () => {
  it('have distinct names, and change the training or the adaptation, not both', () => {
    expect(new Set(ABLATIONS.map(({ name }) => name)).size).toBe(ABLATIONS.length);
    for (const { train, adapt } of ABLATIONS) expect((train === null) !== (adapt === undefined)).toBe(true);
  });

  it('change something, except for the one whose users have no past campaigns', () => {
    for (const { name, of = 'reference', train, adapt, withoutPastCampaigns } of ABLATIONS) {
      const whole = WHOLES[of];
      if (train && !withoutPastCampaigns) expect(train(whole), name).not.toEqual(whole);
      if (adapt) expect(adapt(CHOSEN), name).not.toEqual(CHOSEN);
    }
  });

  it.each([
    ['no-latent-term', HEADS.query],
    ['no-wide-term', HEADS.wide],
  ])('of %s keep the head at its start everywhere', (name, head) => {
    const { frozen, heads, adaptation } = trained(name);
    const { rates, companion, ...rest } = adaptation as DescentSettings;
    expect(frozen).toContain(head);
    expect(heads.innerRates).not.toHaveProperty([head]);
    expect(rates).not.toHaveProperty([head]);
    expect(Object.keys(companion!.strengths)).toHaveLength(1);
    expect(companion!.strengths).not.toHaveProperty([head]);
    const { rates: _, companion: __, ...before } = DEFAULT_DESCENT;
    expect(rest).toEqual(before);
  });

  it('of the latent term use zero vectors that training does not change', () => {
    const { frozen, heads } = trained('no-latent-term');
    expect(frozen).toContain(LATENT_TABLE);
    expect(heads.latentStart).toBe('zero');
  });
});

describe.each(['no-cut', 'fixed-steps', 'no-choice'])('%s', (name) => {
  it('keeps the stack of the default model', () => {
    const { of, adapt } = find(name);
    expect(of).toBe('default');
    expect(blendOf(adapt!(CHOSEN))).toEqual(blendOf(CHOSEN));
  });
});

describe('no-choice', () => {
  it('runs the descent with the default settings', () => {
    const { stack, ...rest } = find('no-choice').adapt!(CHOSEN);
    expect(stack).toEqual(CHOSEN.stack);
    const { companion: _, regression: __, ...descent } = DEFAULT_DESCENT;
    expect(rest).toEqual(descent);
  });
});

describe('REFERENCE_SETTINGS', () => {
  it('trains once, and adapts with the default settings', () => {
    expect(REFERENCE_SETTINGS).toMatchObject({
      retrain: false,
      chooseAdaptation: false,
      adaptation: DEFAULT_DESCENT,
    });
  });
});
