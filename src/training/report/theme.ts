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
function cssVariables(scheme: 'light' | 'dark'): string {
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

/** The style sheet of pages, with rules for narrow screens and print. */
export function pageStyle(): string {
  return `
:root{${cssVariables('light')};color-scheme:light dark}
@media screen and (prefers-color-scheme:dark){:root{${cssVariables('dark')}}}
${svgRules()}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);-webkit-text-size-adjust:100%}
body{font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,Helvetica,Arial,sans-serif}
main{max-width:960px;margin:0 auto;padding:40px 24px 64px}
h1{font-size:1.9rem;line-height:1.2;letter-spacing:-.01em;margin:0 0 6px}
h2{font-size:1.3rem;line-height:1.3;margin:0 0 6px}
p{margin:0 0 14px;max-width:74ch}
.about{color:var(--muted)}
.about b{color:var(--ink)}
section{margin-top:44px;padding-top:26px;border-top:1px solid var(--grid)}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:12px;margin:22px 0 18px}
.cards div{background:var(--band);border-radius:8px;padding:14px 16px}
.cards span,.cards small{display:block;color:var(--muted);font-size:.82rem}
.cards strong{display:block;font-size:1.8rem;line-height:1.25;color:var(--own);font-variant-numeric:tabular-nums}
figure{margin:18px 0 22px}
figure svg{display:block;width:100%;height:auto}
figcaption{color:var(--muted);font-size:.86rem;margin-top:6px;max-width:80ch}
.scroll{overflow-x:auto;margin:14px 0}
table{border-collapse:collapse;font-size:.86rem;font-variant-numeric:tabular-nums;min-width:60%}
caption{text-align:left;color:var(--muted);padding-bottom:6px}
th,td{padding:5px 14px 5px 0;text-align:left;border-bottom:1px solid var(--grid);white-space:nowrap;font-weight:400}
thead th{color:var(--muted);border-bottom-color:var(--axis);vertical-align:bottom}
tbody th{font-weight:600}
td:last-child,th:last-child{padding-right:0}
.n{text-align:right}
details{margin:14px 0}
summary{cursor:pointer;color:var(--own)}
summary:focus-visible{outline:2px solid var(--own);outline-offset:3px}
dl{display:grid;grid-template-columns:minmax(150px,max-content) 1fr;gap:6px 20px;margin:14px 0;font-size:.92rem}
dt{color:var(--muted)}
dd{margin:0;overflow-wrap:anywhere}
@media (max-width:560px){main{padding:24px 16px}dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:8px}}
@media print{
:root{color-scheme:light}
body{font-size:10.5pt}
main{max-width:none;padding:0}
section{break-before:auto;margin-top:22px;padding-top:14px}
h2,h2+p{break-after:avoid}
p,figure,tr,.cards{break-inside:avoid}
.scroll{overflow:visible}
table{font-size:8pt}
th,td{padding-right:8px}
.cards{grid-template-columns:repeat(4,1fr)}
}
`.trim();
}
