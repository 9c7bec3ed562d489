/** Ablations leave out what they say, in training as online, and keep the rest. */
import { describe, expect, it } from 'vitest';
import { HEADS, LATENT_TABLE } from '../../../src/architectures/heads.ts';
import type { DescentSettings } from '../../../src/model/manifest.ts';
import { DEFAULT_DESCENT } from '../../../src/offline/descent.ts';
import type { TrainSettings } from '../../../src/offline/settings.ts';
import { ABLATIONS, REFERENCE_SETTINGS, WHOLES } from './ablations.ts';

const find = (name: string) => ABLATIONS.find((one) => one.name === name)!;
const trained = (name: string): TrainSettings => find(name).train!(REFERENCE_SETTINGS);

/** As it may be chosen. */
const CHOSEN: DescentSettings = {
  ...DEFAULT_DESCENT,
  rates: { [HEADS.wide]: 2, [HEADS.query]: 0.5, [HEADS.bias]: 12.5 },
  companion: { weight: 2, strengths: { [HEADS.wide]: 0.3 } },
};

describe('ABLATIONS', () => {
  it('have names of their own, and change the training or the adaptation, not both', () => {
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
  ])('of %s leaves the head where it starts, everywhere', (name, head) => {
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

  it('of the latent term has vectors of zero that training does not move', () => {
    const { frozen, heads } = trained('no-latent-term');
    expect(frozen).toContain(LATENT_TABLE);
    expect(heads.latentStart).toBe('zero');
  });
});

describe('no-choice', () => {
  it('adapts as by default, with the strengths that were tuned', () => {
    const { companion, ...rest } = DEFAULT_DESCENT;
    const strengths = CHOSEN.companion!.strengths;
    expect(find('no-choice').adapt!(CHOSEN)).toEqual({ ...rest, companion: { ...companion, strengths } });
  });
});

describe('REFERENCE_SETTINGS', () => {
  it('trains once, and adapts as by default', () => {
    expect(REFERENCE_SETTINGS).toMatchObject({
      retrain: false,
      chooseAdaptation: false,
      adaptation: DEFAULT_DESCENT,
    });
  });
});
