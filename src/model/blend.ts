/** The parts that are blended with a model's own logits, and their weights, for both forms that the manifest allows. */
import type { DescentSettings, PopulationRegressionSettings } from './manifest.ts';

/**
 * The weight of a part, in standardised logits. Between `FEW_SEEDS` and `MANY_SEEDS` it is linear in the logarithm of
 * the number of seeds.
 */
export interface Share {
  /** The weight for `FEW_SEEDS` seeds or fewer. */
  readonly few: number;
  /** The weight for `MANY_SEEDS` seeds or more. */
  readonly many: number;
}

const FEW_SEEDS = 10;
const MANY_SEEDS = 250;

/** The settings of a part that is fitted in closed form. */
export type ClosedForm =
  | { readonly kind: 'logistic'; readonly strengths: Readonly<Record<string, number>> }
  | ({ readonly kind: 'regression' } & PopulationRegressionSettings);

export interface Blend {
  /** The weight of the model's own logits. */
  readonly heads: Share;
  readonly parts: readonly { readonly form: ClosedForm; readonly share: Share }[];
}

export function blendOf({ stack, companion, regression }: DescentSettings): Blend {
  if (stack)
    return {
      heads: stack.heads,
      parts: [
        ...stack.companions.map(({ strengths, few, many }) => ({
          form: { kind: 'logistic' as const, strengths },
          share: { few, many },
        })),
        ...stack.regressions.map(({ few, many, ...form }) => ({
          form: { kind: 'regression' as const, ...form },
          share: { few, many },
        })),
      ],
    };
  const always = (weight: number): Share => ({ few: weight, many: weight });
  return {
    heads: always(1),
    parts: [
      ...(companion
        ? [{ form: { kind: 'logistic' as const, strengths: companion.strengths }, share: always(companion.weight) }]
        : []),
      ...(regression
        ? [
            {
              form: { kind: 'regression' as const, strength: regression.strength, power: regression.power },
              share: always(regression.weight),
            },
          ]
        : []),
    ],
  };
}

/** Whether the model's own logits have any weight. */
export function hasOwnLogits(settings: DescentSettings): boolean {
  const { heads } = blendOf(settings);
  return heads.few > 0 || heads.many > 0;
}

/** The closed-form parts of the blend, in order. */
export function formsOf(settings: DescentSettings): ClosedForm[] {
  return blendOf(settings).parts.map(({ form }) => form);
}

export function weightFor({ few, many }: Share, seeds: number): number {
  const place = Math.log(seeds / FEW_SEEDS) / Math.log(MANY_SEEDS / FEW_SEEDS);
  return few + (many - few) * Math.min(Math.max(place, 0), 1);
}
