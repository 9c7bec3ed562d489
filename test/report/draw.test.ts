/**
 * Drawings: what ECharts gives becomes text that follows the reader's scheme, is equal for equal charts, and does
 * nothing.
 */
import { describe, expect, it } from 'vitest';
import { type Chart, drawChart, drawFile } from '../../src/report/draw.ts';
import { COLOURS, colour, lineStyles, svgRules } from '../../src/report/theme.ts';
import { checkWellFormed } from './small-report.ts';

function chartOf(stroke: string, name = 'line'): Chart {
  const look = {
    axisLine: { lineStyle: { color: colour('axis') } },
    axisLabel: { color: colour('muted') },
    splitLine: { lineStyle: { color: colour('grid') } },
  };
  return {
    name,
    title: 'Less < more & "all"',
    description: 'A line\u0000 from 1 to 3.',
    width: 300,
    height: 200,
    option: {
      xAxis: { type: 'value', ...look },
      yAxis: { type: 'value', ...look },
      series: [
        {
          type: 'line',
          data: [
            [1, 1],
            [2, 5],
            [3, 3],
          ],
          symbol: 'none',
          lineStyle: { color: stroke },
          color: stroke,
        },
      ],
    },
  };
}

describe('drawChart', () => {
  const drawn = drawChart(chartOf(colour('own')));

  it('returns an element that is read aloud by its title and description', () => {
    checkWellFormed(drawn);
    expect(drawn).toMatch(
      /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox="0 0 300 200" role="img" aria-labelledby="line-title line-desc">\n/,
    );
    expect(drawn).toContain('<title id="line-title">Less &lt; more &amp; &quot;all&quot;</title>');
    expect(drawn).toContain('<desc id="line-desc">A line\ufffd from 1 to 3.</desc>');
  });

  it('assigns each colour the class of its dark value, which the rules have', () => {
    const [light, dark] = COLOURS.own;
    expect(drawn).toMatch(new RegExp(`<path class="s-${light.slice(1)}" [^>]*stroke="${light}"`));
    expect(svgRules()).toContain(`.s-${light.slice(1)}{stroke:${dark}}`);
    const coloured = [...drawn.matchAll(/<(?!svg)[a-z]+ [^>]*(?:fill|stroke)="#(?!000")[^>]*>/g)];
    expect(coloured.length).toBeGreaterThan(10);
    for (const [element] of coloured) expect(element).toMatch(/ class="/);
  });

  it('refuses a colour that would not follow the scheme', () => {
    expect(() => drawChart(chartOf('#123456'))).toThrow(/#123456 is not a colour of the theme/);
  });

  it('returns equal text for equal charts, whatever was drawn before', () => {
    drawChart(chartOf(colour('green'), 'another'));
    expect(drawChart(chartOf(colour('own')))).toBe(drawn);
  });

  it('begins every id with the name of the chart', () => {
    const ids = [...drawn.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id!);
    expect(ids.length).toBeGreaterThan(2);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^line-/);
    for (const [, id] of drawn.matchAll(/url\(#([^)]+)\)/g)) expect(ids).toContain(id);
  });

  it('does not answer to a pointer', () => {
    expect(drawn).not.toMatch(/hover|cursor|pointer|ecmeta|<style|<script|zr\d/);
  });
});

describe('drawFile', () => {
  it('stands alone: on its own ground, with its rules and its title', () => {
    const file = drawFile(chartOf(colour('own')));
    checkWellFormed(file);
    expect(file).toContain(`<style>${svgRules()}</style>`);
    expect(file).toMatch(/<rect class="f-ffffff" width="324" height="252" [^>]*fill="#ffffff"\/>/);
    expect(file).toMatch(/<text [^>]*>Less &lt; more &amp; &quot;all&quot;<\/text>/);
    expect(file.endsWith('</svg>\n')).toBe(true);
  });
});

/** WCAG 2.2: (L1 + .05) / (L2 + .05) of relative luminances. */
function contrast(a: string, b: string): number {
  const luminance = (hex: string) => {
    const [red, green, blue] = [1, 3, 5].map((at) => {
      const x = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
      return x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
    }) as [number, number, number];
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

describe('the theme', () => {
  it('has light values that are all different: a drawing is themed by them', () => {
    expect(new Set(Object.values(COLOURS).map(([light]) => light)).size).toBe(Object.keys(COLOURS).length);
  });

  it('has text of contrast 4.5 and lines of contrast 3 on paper, in light and dark', () => {
    const { paper, axis: _, grid: __, band: ___, ...drawn } = COLOURS;
    for (const [name, values] of Object.entries(drawn))
      for (const scheme of [0, 1] as const) {
        const least = ['ink', 'muted', 'own'].includes(name) ? 4.5 : 3;
        expect(contrast(values[scheme], paper[scheme]), `${name} ${scheme}`).toBeGreaterThanOrEqual(least);
      }
  });

  it('tells as many methods apart as a report may have, by colour or pattern', () => {
    const names = ['metaheac', ...Array.from({ length: 20 }, (_, i) => `method ${i}`), 'random'];
    const styles = [...lineStyles(names).values()].map((style) => JSON.stringify(style));
    expect(new Set(styles).size).toBe(names.length);
  });
});
