/**
 * The statistics of lift, against values computed by hand and with SciPy, and the coverage of intervals by simulation.
 */
import { describe, expect, it } from 'vitest';
import { type Arm, alwaysValidErrors, compareArms, type Estimate, TUNED_USERS } from '../../src/domain/lift.ts';
import { createRng, type Rng } from '../../src/lib/rng.ts';
import { IS_LONG, size } from '../fixture/size.ts';

const arm = (users: number, converted: number, value = converted, squaredValue = value): Arm => ({
  ...{ users, converted, conversions: converted, value, squaredValue },
});

describe('compareArms', () => {
  it('computes both effects, their intervals, and what can be detected', () => {
    const { conversion, value, sampleRatioP } = compareArms(
      arm(9_000, 540, 6_000, 80_000),
      arm(1_000, 50, 500, 6_000),
      10,
    );
    const round = (_: string, x: unknown) => (typeof x === 'number' ? Number(x.toFixed(5)) : x);
    // se .0073359, t(1277.26) 1.96182, always-valid factor of 10,000 users 3.06146
    expect(JSON.parse(JSON.stringify(conversion, round))).toEqual({
      treated: 0.06,
      heldOut: 0.05,
      absolute: {
        estimate: 0.01,
        fixed: { low: -0.00439, high: 0.02439 },
        alwaysValid: { low: -0.01246, high: 0.03246 },
      },
      // se sqrt(.0000062673 + 1.44 * .0000475475) / .05 = .172900
      relative: {
        estimate: 0.2,
        fixed: { low: -0.13888, high: 0.53888 },
        alwaysValid: { low: -0.32933, high: 0.72933 },
      },
      incremental: {
        estimate: 90,
        fixed: { low: -39.52502, high: 219.52502 },
        alwaysValid: { low: -112.12724, high: 292.12724 },
      },
      minimumDetectable: 0.02036,
    });
    // Welch's t of means 2/3 and 1/2, with variances 8.44538 and 5.75576
    expect(value.absolute.fixed!.low).toBeCloseTo(0.0061628, 6);
    expect(sampleRatioP).toBe(1);
  });

  it("uses Student's t with Welch's degrees of freedom for few users", () => {
    // both variances are 1/3, and 6 degrees: t is 2.446912
    const { fixed } = compareArms(arm(4, 2), arm(4, 2), 50).conversion.absolute;
    expect(fixed!.high).toBeCloseTo(2.446912 * Math.sqrt(1 / 6), 3);
  });

  it('has no intervals as long as an arm has no conversions, and no relative effect without a rate', () => {
    const { conversion, value } = compareArms(arm(900, 30), arm(100, 0), 10);
    expect(conversion).toMatchObject({
      relative: null,
      minimumDetectable: null,
      absolute: { estimate: 1 / 30, fixed: null },
    });
    expect(value.absolute.alwaysValid).toBeNull();
    expect(compareArms(arm(0, 0), arm(0, 0), 10)).toMatchObject({
      sampleRatioP: 1,
      conversion: { incremental: { estimate: 0 } },
    });
  });

  it('warns of a sample ratio that is improbable', () => {
    // chi-square 8.911 and 11.001
    const close = compareArms(arm(9_000, 0), arm(1_100, 0), 10);
    expect(close.sampleRatioP).toBeCloseTo(0.00283475, 8);
    expect(close.isSuspicious).toBe(false);
    expect(compareArms(arm(9_000, 0), arm(1_111, 0), 10)).toMatchObject({ isSuspicious: true });
    expect(compareArms(arm(9_000, 0), arm(9_000, 0), 10).sampleRatioP).toBe(0);
  });
});

describe('alwaysValidErrors', () => {
  it('is the formula of asymptotic confidence sequences', () => {
    expect(alwaysValidErrors(TUNED_USERS)).toBeCloseTo(3.0352, 4);
    expect(alwaysValidErrors(1_000_000)).toBeCloseTo(3.6565, 4);
  });
});

/** A kind of campaign: who converts at which rate, and how many are held out. */
interface Scenario {
  readonly name: string;
  readonly rates: { readonly treated: number; readonly heldOut: number };
  readonly percent: number;
  /** Whether users arrive one after the other, or all are assigned at once and their conversions arrive. */
  readonly arriving: 'users' | 'conversions';
}

const SCENARIOS: readonly Scenario[] = [
  { name: 'users arrive, no effect', rates: { treated: 0.05, heldOut: 0.05 }, percent: 20, arriving: 'users' },
  { name: 'users arrive, lift 25 %', rates: { treated: 0.05, heldOut: 0.04 }, percent: 10, arriving: 'users' },
  { name: 'users arrive, half held out', rates: { treated: 0.1, heldOut: 0.08 }, percent: 50, arriving: 'users' },
  {
    name: 'conversions arrive, no effect',
    rates: { treated: 0.05, heldOut: 0.05 },
    percent: 20,
    arriving: 'conversions',
  },
  {
    name: 'conversions arrive, lift 25 %',
    rates: { treated: 0.05, heldOut: 0.04 },
    percent: 10,
    arriving: 'conversions',
  },
];
const LOOKS = 46;
const USERS_PER_LOOK = 1_000;
const MOST_USERS = TUNED_USERS + (LOOKS - 1) * USERS_PER_LOOK;
const RUNS = size(200, 2_000);

/** Number of successes in `trials`, by the gaps between successes. */
function binomial(rng: Rng, trials: number, rate: number): number {
  let successes = 0;
  for (let at = gap(rng, rate); at < trials; at += 1 + gap(rng, rate)) successes++;
  return successes;
}

function gap(rng: Rng, rate: number): number {
  return Math.floor(Math.log(1 - rng.uniform()) / Math.log(1 - rate));
}

/** Looks at a campaign `LOOKS` times, and returns which kinds of intervals contained the true difference each time. */
function peek(rng: Rng, { rates, percent, arriving }: Scenario) {
  const covered = { first: true, fixed: true, alwaysValid: true, relative: true };
  const arms = { treated: { users: 0, converted: 0 }, heldOut: { users: 0, converted: 0 } };
  for (let look = 0; look < LOOKS; look++) {
    const part = arriving === 'users' ? 1 : (look + 1) / LOOKS;
    const users = arriving === 'users' ? TUNED_USERS + look * USERS_PER_LOOK : MOST_USERS;
    for (const name of ['treated', 'heldOut'] as const) {
      const [state, rate] = [arms[name], rates[name]];
      const assigned = Math.round((users * (name === 'heldOut' ? percent : 100 - percent)) / 100);
      // in the same time, each user who has not converted converts with the same probability
      const [trials, chance] =
        arriving === 'users'
          ? [assigned - state.users, rate]
          : [assigned - state.converted, rate / LOOKS / (1 - (rate * look) / LOOKS)];
      state.converted += binomial(rng, trials, chance);
      state.users = assigned;
    }
    const { absolute, relative } = compareArms(
      arm(arms.treated.users, arms.treated.converted),
      arm(arms.heldOut.users, arms.heldOut.converted),
      percent,
    ).conversion;
    const truth = part * (rates.treated - rates.heldOut);
    if (look === 0) covered.first = contains(absolute.fixed, truth);
    covered.fixed &&= contains(absolute.fixed, truth);
    covered.alwaysValid &&= contains(absolute.alwaysValid, truth);
    covered.relative &&= contains(relative?.alwaysValid, rates.treated / rates.heldOut - 1);
  }
  return covered;
}

/** An interval that is not known yet misses nothing. */
function contains(range: Estimate['fixed'] | undefined, truth: number): boolean {
  return range === null || range === undefined || (range.low <= truth && truth <= range.high);
}

describe('intervals that are looked at 46 times, from 5,000 users on', () => {
  it.each(SCENARIOS)('are always valid in 94 % of the runs: $name', { timeout: 120_000 }, (scenario) => {
    const counts = { first: 0, fixed: 0, alwaysValid: 0, relative: 0 };
    const rng = createRng(scenario.name);
    for (let run = 0; run < RUNS; run++) {
      const covered = peek(rng, scenario);
      for (const kind of ['first', 'fixed', 'alwaysValid', 'relative'] as const) if (covered[kind]) counts[kind]++;
    }
    const shares = Object.entries(counts).map(([kind, count]) => `${kind} ${((100 * count) / RUNS).toFixed(1)}`);
    if (IS_LONG) process.stdout.write(`${scenario.name}: ${shares.join(', ')} % of ${RUNS} runs\n`);
    expect(counts.alwaysValid / RUNS).toBeGreaterThanOrEqual(0.94);
    expect(counts.relative / RUNS).toBeGreaterThanOrEqual(0.94);
    // one look at a fixed interval is right as often as it says, many are not
    expect(Math.abs(counts.first / RUNS - 0.95)).toBeLessThan(0.05);
    expect(counts.fixed / RUNS).toBeLessThan(0.9);
  });
});
