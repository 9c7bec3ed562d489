/** Drawings: text that follows the reader's scheme, is equal for equal charts and not interactive; and their parts. */
import { describe, expect, it } from 'vitest';
import { type Chart, drawChart, drawFile } from '../../../src/training/report/draw.ts';
import { axis, band, line, whiskers } from '../../../src/training/report/svg.ts';
import { COLOURS, colour, lineStyles, svgRules } from '../../../src/training/report/theme.ts';
import { checkWellFormed } from './small-report.ts';

function chartOf(stroke: string, name = 'line'): Chart {
  const frame = { left: 40, right: 290, top: 10, bottom: 160 };
  const scales = { x: (value: number) => 40 + 60 * value, y: (value: number) => 160 - 20 * value };
  const look = { name: 'a & b', ticks: [1, 2, 3] };
  return {
    name,
    title: 'Less < more & "all"',
    description: 'A line\u0000 from 1 to 3.',
    width: 300,
    height: 200,
    body: [
      ...axis('left', frame, scales.y, look),
      ...axis('below', frame, scales.x, { ...look, format: (value) => `<${value}>` }),
      line(
        scales,
        [
          [1, 1],
          [2, 5],
          [3, 3],
        ],
        { colour: stroke, width: 2, dash: [7, 3] },
      ),
    ],
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
    const coloured = [...drawn.matchAll(/<(?!svg)[a-z]+ [^>]*(?:fill|stroke)="#[^>]*>/g)];
    expect(coloured.length).toBeGreaterThan(10);
    for (const [element] of coloured) expect(element).toMatch(/ class="/);
  });

  it('refuses a colour that would not follow the scheme', () => {
    expect(() => drawChart(chartOf('#123456'))).toThrow(/#123456 is not a colour of the theme/);
  });
});

describe('the parts of a chart', () => {
  const scales = { x: (value: number) => 100 * value, y: (value: number) => 50 - 10 * value };
  const black = colour('ink');

  it('are at the pixels for their values', () => {
    const style = { colour: black, width: 1.8, dash: [2, 3] };
    expect(
      line(
        scales,
        [
          [0, 0],
          [1, 5],
          [1.5, 1 / 3],
        ],
        style,
      ),
    ).toBe(
      `<path d="M0,50L100,0L150,46.67" fill="none" stroke="${black}" stroke-width="1.8" stroke-dasharray="2 3" ` +
        'stroke-linejoin="bevel"/>',
    );
    const points = [
      { x: 0, low: 0, high: 1 },
      { x: 1, low: 2, high: 5 },
    ];
    expect(band(scales, points, black, 0.07)).toBe(
      `<path d="M0,40L100,0L100,30L0,50Z" fill="${black}" fill-opacity="0.07"/>`,
    );
    const whisker = { x: 1, y: 2, low: 1, high: 4, mark: 'none', colour: black } as const;
    expect(whiskers(scales, [whisker], 'y')).toEqual([
      `<line x1="100" y1="40" x2="100" y2="10" stroke="${black}" stroke-width="2"/>`,
    ]);
    expect(whiskers(scales, [whisker], 'x', 1)).toEqual([
      `<line x1="100" y1="30" x2="400" y2="30" stroke="${black}" stroke-width="1"/>`,
    ]);
  });

  it('have a number at each tick, and one sharp line', () => {
    const frame = { left: 40, right: 140, top: 10, bottom: 60 };
    const drawn = axis('below', frame, (value) => 40 + value / 100, { name: 'users', ticks: [0, 2500, 10_000] });
    const texts = drawn.flatMap((one) => />([^<]+)<\/text>/.exec(one)?.[1] ?? []);
    expect(texts).toEqual(['0', '2,500', '10,000', 'users']);
    expect(drawn[1]).toBe(`<line x1="65.5" y1="10" x2="65.5" y2="60" stroke="${colour('grid')}"/>`);
    const plain = axis('below', frame, (value) => value, { name: '', ticks: [50], hasGrid: false, hasMarks: false });
    expect(plain.filter((one) => one.startsWith('<line'))).toEqual([
      `<line x1="40" y1="60.5" x2="140" y2="60.5" stroke="${colour('axis')}"/>`,
    ]);
  });
});

describe('drawFile', () => {
  it('is standalone: with its own background, rules and title', () => {
    const file = drawFile(chartOf(colour('own')));
    checkWellFormed(file);
    expect(file).toContain(`<style>${svgRules()}</style>`);
    expect(file).toMatch(/<rect class="f-ffffff" width="324" height="252" [^>]*fill="#ffffff"\/>/);
    expect(file).toMatch(/<text [^>]*>Less &lt; more &amp; &quot;all&quot;<\/text>/);
    expect(file.endsWith('</svg>\n')).toBe(true);
  });
});

describe('the theme', () => {
  it('has distinct light values, because they identify the colours in a drawing', () => {
    expect(new Set(Object.values(COLOURS).map(([light]) => light)).size).toBe(Object.keys(COLOURS).length);
  });

  it('distinguishes as many methods as a report may have, by colour or pattern', () => {
    const names = ['metaheac', ...Array.from({ length: 20 }, (_, i) => `method ${i}`), 'random'];
    const styles = [...lineStyles(names).values()].map((style) => JSON.stringify(style));
    expect(new Set(styles).size).toBe(names.length);
  });
});
