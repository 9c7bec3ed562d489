/**
 * Colours of reports, light and dark, and the line style of each method. Line patterns distinguish methods without
 * colours.
 */
import type { EvaluationReport } from '../evaluation/evaluate.ts';
import { MAIN_METHOD } from '../evaluation/methods.ts';

/**
 * The light and the dark value of each colour, by name. Light values are all different, because they identify colours
 * in a drawing.
 */
export const COLOURS = {
  paper: ['#ffffff', '#14181d'],
  ink: ['#1b2026', '#e6e9ed'],
  muted: ['#5a626c', '#a7afb9'],
  axis: ['#9ba2ab', '#626b76'],
  grid: ['#e4e7eb', '#2b3138'],
  band: ['#f4f6f8', '#1b2027'],
  own: ['#0b5fd0', '#6aabff'],
  chance: ['#7c848e', '#8f98a3'],
  vermilion: ['#c64a08', '#ff9d66'],
  green: ['#0b7a58', '#45cfa2'],
  pink: ['#b43c8d', '#f391cc'],
  ochre: ['#8a6600', '#e4bd4e'],
  sky: ['#1788ad', '#74d4f3'],
  violet: ['#6a45bf', '#bba2ff'],
  brown: ['#7b472b', '#d6a583'],
} as const satisfies Readonly<Record<string, readonly [light: string, dark: string]>>;

export type ColourName = keyof typeof COLOURS;

/** The light value of a colour, which is used for drawing. */
export function colour(name: ColourName): string {
  return COLOURS[name][0];
}

/**
 * CSS rules with the dark values for elements of the classes `f-<light>` (fill) and `s-<light>` (stroke). The light
 * values are the elements' attributes. Print uses the light values.
 */
export function svgRules(): string {
  const rules = Object.values(COLOURS).flatMap(([light, dark]) => [
    `.f-${light.slice(1)}{fill:${dark}}`,
    `.s-${light.slice(1)}{stroke:${dark}}`,
  ]);
  return `@media screen and (prefers-color-scheme:dark){${rules.join('')}}`;
}

/** CSS variables of the colours, such as `--ink: ..`. */
export function cssVariables(scheme: 'light' | 'dark'): string {
  return Object.entries(COLOURS)
    .map(([name, values]) => `--${name}:${values[scheme === 'light' ? 0 : 1]}`)
    .join(';');
}

/** Names of the methods: metaheac, then the other methods by descending mean AUC. */
export function methodOrder({ methods }: EvaluationReport): string[] {
  const aucOf = (name: string) => (name === MAIN_METHOD ? Number.POSITIVE_INFINITY : methods[name]!.all!.auc.mean);
  return Object.keys(methods).sort((a, b) => aucOf(b) - aucOf(a));
}

export interface LineStyle {
  readonly colour: string;
  readonly width: number;
  /** Lengths of strokes and gaps in pixels; empty for a solid line. */
  readonly dash: readonly number[];
}

const SEQUENCE = ['vermilion', 'green', 'pink', 'ochre', 'sky', 'violet', 'brown'] as const;
const DASHES = [[], [7, 3], [2, 3], [9, 3, 2, 3], [4, 2]];

/** Line styles of a report's methods, by their order in the report, so that equal reports have equal styles. */
export function lineStyles(methods: readonly string[]): ReadonlyMap<string, LineStyle> {
  let next = 0;
  return new Map(
    methods.map((method) => {
      if (method === MAIN_METHOD) return [method, { colour: colour('own'), width: 3, dash: [] }];
      if (method === 'random') return [method, { colour: colour('chance'), width: 1.5, dash: [1.5, 4] }];
      const style = {
        colour: colour(SEQUENCE[next % SEQUENCE.length]!),
        width: 1.8,
        dash: DASHES[next % DASHES.length]!,
      };
      next++;
      return [method, style];
    }),
  );
}
