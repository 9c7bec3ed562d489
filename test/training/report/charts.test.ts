/** The content of a report's charts. */
import { describe, expect, it } from 'vitest';
import { curveChart } from '../../../src/training/report/curve-charts.ts';
import { differenceChart } from '../../../src/training/report/difference-chart.ts';
import { drawChart } from '../../../src/training/report/draw.ts';
import { seedsChart } from '../../../src/training/report/seeds-chart.ts';
import { colour, methodOrder } from '../../../src/training/report/theme.ts';
import { checkWellFormed, smallReport } from './small-report.ts';

const report = smallReport();
const textsOf = (svg: string) => [...svg.matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map(([, text]) => text!);
const count = (svg: string, what: RegExp) => [...svg.matchAll(what)].length;

describe('methodOrder', () => {
  it('has metaheac first, then the best', () => {
    expect(methodOrder(report)).toEqual(['metaheac', 'logistic_regression', 'centroid', 'random']);
    expect(methodOrder(smallReport({ methods: { random: 0, metaheac: 0.5, other: 2 } }))).toEqual([
      'metaheac',
      'other',
      'random',
    ]);
  });
});

describe.each(['recall', 'lift'] as const)('the chart of %s', (what) => {
  const svg = drawChart(curveChart(report, what));

  it('has a line and a band for every method, from the smallest size to all', () => {
    checkWellFormed(svg);
    expect(textsOf(svg)).toEqual(expect.arrayContaining([...Object.keys(report.methods), '0.1 %', '100 %']));
    expect(count(svg, /fill-opacity="0\.18"/g)).toBe(1);
    expect(count(svg, /opacity="0\.07"/g)).toBe(3);
    const own = [...svg.matchAll(/<path [^>]*d="([^"]*)"[^>]*stroke-width="3"/g)].map(([, d]) => d!);
    // one in the legend, and one through every size
    expect(
      own
        .map((d) => d.split('L').length)
        .sort((a, b) => a - b)
        .at(-1),
    ).toBe(report.curves['metaheac']!.length);
  });
});

describe('the chart of differences', () => {
  it('has one row per method and group, except for random', () => {
    const svg = drawChart(differenceChart(report));
    checkWellFormed(svg);
    const texts = textsOf(svg);
    expect(texts.filter((text) => text === 'small' || text === 'large' || text === 'all')).toHaveLength(6);
    expect(texts).toContain('centroid');
    expect(texts).not.toContain('random');
  });

  it('marks differences that are clearly ahead, clearly behind and neither', () => {
    const drawn = drawChart(
      differenceChart(smallReport({ methods: { metaheac: 1, better: 2, worse: 0.2, random: 0 }, withoutGroups: true })),
    );
    // a mark in each panel: full circles ahead of the worse one, diamonds behind the better one
    expect(count(drawn, new RegExp(`<circle [^>]*fill="${colour('own')}"`, 'g'))).toBe(2);
    expect(count(drawn, new RegExp(`<path [^>]*fill="${colour('vermilion')}"`, 'g'))).toBe(2);
    expect(drawn).toContain('clearly ahead of 1 of 2 methods in AUC');
    const level = smallReport({ methods: { metaheac: 1, level: 1 }, withoutGroups: true });
    const rings = drawChart(
      differenceChart({
        ...level,
        differences: {
          level: {
            all: { auc: { mean: 0.01, low: -0.01, high: 0.02 }, precision: { '0.05': { mean: 0, low: 0, high: 0 } } },
          },
        },
      }),
    );
    expect(count(rings, new RegExp(`fill="${colour('paper')}" [^>]*stroke="${colour('muted')}"`, 'g'))).toBe(2);
  });
});

describe('the chart by seeds', () => {
  it('has one point per campaign and the means of the bins, next to the strongest other method', () => {
    const svg = drawChart(seedsChart(report));
    checkWellFormed(svg);
    expect(textsOf(svg)).toEqual(
      expect.arrayContaining(['a campaign, metaheac', 'mean of metaheac', 'mean of logistic_regression', '20', '100']),
    );
    expect(count(svg, new RegExp(`fill="${colour('own')}" fill-opacity="0\\.45"`, 'g'))).toBe(8 + 1);
    const [few, many] = report.by_seeds;
    expect(svg).toContain(
      `${few!.auc['metaheac']!.mean.toFixed(2)} with 10 to 19, ${many!.auc['metaheac']!.mean.toFixed(2)} with 100 to 199`,
    );
  });
});
