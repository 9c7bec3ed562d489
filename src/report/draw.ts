/**
 * The only importer of ECharts: renders a chart's option as SVG text that follows the reader's colour scheme, without
 * scripts and without a DOM.
 */
import { CustomChart, LineChart, ScatterChart } from 'echarts/charts';
import { GridComponent, LegendComponent } from 'echarts/components';
import { type EChartsCoreOption, init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { assert } from '../lib/errors.ts';
import { escapeText } from './html.ts';
import { COLOURS, colour, svgRules } from './theme.ts';

use([LineChart, ScatterChart, CustomChart, GridComponent, LegendComponent, SVGRenderer]);

const FONT = 'system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif';

/** A chart to draw. */
export interface Chart {
  /** Letters only; the prefix of ids inside the SVG. */
  readonly name: string;
  /** The title, shown and read aloud. */
  readonly title: string;
  /** What it shows in this case, in a sentence: read aloud instead of the picture. */
  readonly description: string;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  readonly option: EChartsCoreOption;
}

/** An `<svg>` element for a page that has `svgRules()` among its styles. Equal charts produce equal text. */
export function drawChart(chart: Chart): string {
  return element(chart, chart.width, chart.height, '', [renderBody(chart)]);
}

const HEADING_HEIGHT = 40;
const MARGIN = 12;

/** A standalone file: the chart under its title, on its own background, light or dark according to the reader. */
export function drawFile(chart: Chart): string {
  const [width, height] = [chart.width + 2 * MARGIN, chart.height + HEADING_HEIGHT + MARGIN];
  const heading = `x="${MARGIN + 4}" y="27" style="font:600 15px ${FONT}" fill="${colour('ink')}"`;
  const svg = element(chart, width, height, ` width="${width}" height="${height}"`, [
    `<style>${svgRules()}</style>`,
    themed(`<rect width="${width}" height="${height}" rx="6" fill="${colour('paper')}"/>`),
    themed(`<text ${heading}>${escapeText(chart.title)}</text>`),
    `<g transform="translate(${MARGIN} ${HEADING_HEIGHT})">`,
    renderBody(chart),
    '</g>',
  ]);
  return `${svg}\n`;
}

/** An image with its title and description, which screen readers read aloud. */
function element(
  { name, title, description }: Chart,
  width: number,
  height: number,
  attributes: string,
  content: readonly string[],
): string {
  const [titleId, descriptionId] = [`${name}-title`, `${name}-desc`];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg"${attributes} viewBox="0 0 ${width} ${height}" role="img" ` +
      `aria-labelledby="${titleId} ${descriptionId}">`,
    `<title id="${titleId}">${escapeText(title)}</title>`,
    `<desc id="${descriptionId}">${escapeText(description)}</desc>`,
    ...content,
    '</svg>',
  ].join('\n');
}

/** What ECharts draws, without the `<svg>` around it. */
function renderBody({ name, width, height, option }: Chart): string {
  const drawing = init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    drawing.setOption({ animation: false, textStyle: { fontFamily: FONT, color: colour('ink') }, ...option });
    return themed(withoutInteraction(drawing.renderToSVGString(), name));
  } finally {
    drawing.dispose();
  }
}

/**
 * Removes everything that reacts to a pointer, and numbers ids by their order, since ECharts continues counting from
 * drawing to drawing.
 */
function withoutInteraction(svg: string, name: string): string {
  const ids = new Map<string, string>();
  const idOf = (id: string) => {
    if (!ids.has(id)) ids.set(id, `${name}-${ids.size}`);
    return ids.get(id)!;
  };
  return svg
    .replace(/^<svg[^>]*>\n?/, '')
    .replace(/<\/svg>\s*$/, '')
    .replace(/<style >[\s\S]*?<\/style>\s*/g, '')
    .replace(/ (?:class="[^"]*"|pointer-events="[^"]*"|ecmeta_[a-z_]+="[^"]*")/g, '')
    .replace(/<(path|rect) ([^>]*)><\/\1>\n?/g, (element, _, attributes: string) =>
      isVisible(attributes) ? element : '',
    )
    .replace(/\b(id="|url\(#)(zr\d+-[a-z]+\d+)/g, (_, before: string, id: string) => before + idOf(id))
    .trimEnd();
}

/** Areas that only catch pointer events are not visible. */
function isVisible(attributes: string): boolean {
  const isFilled = !/ fill="none"| fill-opacity="0"/.test(` ${attributes}`);
  const hasStroke = / stroke="/.test(attributes) && !/ stroke-width="0"/.test(attributes);
  return isFilled || hasStroke;
}

const LIGHT = new Set<string>(Object.values(COLOURS).map(([light]) => light));

/**
 * Gives elements with a colour of the theme the class of that colour; another colour, which would not follow the
 * scheme, is a bug.
 */
function themed(svg: string): string {
  return svg.replace(/<(?!clipPath)[a-z]+ [^>]*>/g, (element) => {
    const classes = [...element.matchAll(/ (fill|stroke)="(#[0-9a-f]{3,8}|rgb[^"]*)"/g)].flatMap(([, what, value]) => {
      if (value === '#000') return [];
      assert(LIGHT.has(value!), `${value} is not a colour of the theme: ${element}`);
      return [`${what === 'fill' ? 'f' : 's'}-${value!.slice(1)}`];
    });
    return classes.length === 0
      ? element
      : element.replace(/^<[a-z]+/, (start) => `${start} class="${classes.join(' ')}"`);
  });
}
