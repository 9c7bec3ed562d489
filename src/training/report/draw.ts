/** Draws a chart's elements as SVG text that follows the reader's colour scheme, without scripts. */
import { assert } from '../../lib/errors.ts';
import { escapeText } from './svg.ts';
import { COLOURS, colour, svgRules } from './theme.ts';

const FONT = 'system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif';

export interface Chart {
  /** The prefix of ids inside the SVG; letters only. */
  readonly name: string;
  /** The title, which is visible and read by screen readers. */
  readonly title: string;
  /** A sentence about what this chart shows. Screen readers read it in place of the picture. */
  readonly description: string;
  /** In pixels. */
  readonly width: number;
  readonly height: number;
  /** SVG elements; later elements are drawn on top of earlier ones. Their colours come from the theme. */
  readonly body: readonly string[];
}

/** An `<svg>` element for a page that has `svgRules()` among its styles. Equal charts produce equal text. */
export function drawChart(chart: Chart): string {
  return frame(chart, chart.width, chart.height, '', [renderBody(chart)]);
}

const HEADING_HEIGHT = 40;
const MARGIN = 12;

/**
 * A standalone file: the chart below its title, on its own background, which is light or dark as the reader prefers.
 */
export function drawFile(chart: Chart): string {
  const [width, height] = [chart.width + 2 * MARGIN, chart.height + HEADING_HEIGHT + MARGIN];
  const heading = `x="${MARGIN + 4}" y="27" style="font:600 15px ${FONT}" fill="${colour('ink')}"`;
  const svg = frame(chart, width, height, ` width="${width}" height="${height}"`, [
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
function frame(
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

/** The chart's elements, with colours as classes. */
function renderBody({ body }: Chart): string {
  return themed([`<g font-family="${FONT}">`, ...body, '</g>'].join('\n'));
}

const LIGHT = new Set<string>(Object.values(COLOURS).map(([light]) => light));

/**
 * Gives each element with a colour of the theme the class of that colour. Any other colour would not follow the colour
 * scheme, and is a bug.
 */
function themed(svg: string): string {
  return svg.replace(/<[a-z]+ [^>]*>/g, (element) => {
    const classes = [...element.matchAll(/ (fill|stroke)="(#[0-9a-f]{3,8}|rgb[^"]*)"/g)].flatMap(([, what, value]) => {
      assert(LIGHT.has(value!), `${value} is not a colour of the theme: ${element}`);
      return [`${what === 'fill' ? 'f' : 's'}-${value!.slice(1)}`];
    });
    return classes.length === 0
      ? element
      : element.replace(/^<[a-z]+/, (start) => `${start} class="${classes.join(' ')}"`);
  });
}
