/** Building blocks of HTML pages: text, numbers, tables, and the page itself. */
import { type Interval, signedInterval as withAscii } from '../../lib/interval.ts';
import { type Chart, drawChart } from './draw.ts';
import { escapeText } from './svg.ts';
import { pageStyle } from './theme.ts';

const NAME_CHARACTERS = 24;

/** An interval of differences with real minus signs, such as +0.012 [−0.004, +0.026]. */
export function signedInterval(interval: Interval, digits: number): string {
  return withAscii(interval, digits).replaceAll('-', '−');
}

/** A share of an audience as text, such as .1 %, 5 %, 100 %. */
export function percent(share: number): string {
  return `${Number((100 * share).toPrecision(4))} %`;
}

/** A name, shortened to fit into charts. */
export function shortened(name: string): string {
  return name.length > NAME_CHARACTERS ? `${name.slice(0, NAME_CHARACTERS - 1)}…` : name;
}

export interface Cell {
  readonly text: string;
  /** Whether the cell is the heading of its row. */
  readonly heading?: boolean;
  readonly strong?: boolean;
}

/**
 * A table. The first `texts` columns are text; all later columns are numbers and right-aligned. Cells of plain text are
 * escaped here.
 */
export function table(
  caption: string,
  columns: readonly string[],
  rows: readonly (readonly (Cell | string)[])[],
  texts = 1,
): string {
  const kind = (i: number) => (i < texts ? '' : ' class="n"');
  const head = columns.map((name, i) => `<th scope="col"${kind(i)}>${escapeText(name)}</th>`).join('');
  const body = rows.map((row) => {
    const cells = row.map((cell, i) => {
      const { text, heading = false, strong = false } = typeof cell === 'string' ? { text: cell } : cell;
      const content = strong ? `<b>${escapeText(text)}</b>` : escapeText(text);
      return heading ? `<th scope="row">${content}</th>` : `<td${kind(i)}>${content}</td>`;
    });
    return `<tr>${cells.join('')}</tr>`;
  });
  return [
    '<div class="scroll"><table>',
    `<caption>${escapeText(caption)}</caption>`,
    `<thead><tr>${head}</tr></thead>`,
    `<tbody>${body.join('\n')}</tbody>`,
    '</table></div>',
  ].join('\n');
}

/** A collapsed table. */
export function folded(summary: string, content: string): string {
  return `<details><summary>${escapeText(summary)}</summary>\n${content}\n</details>`;
}

/** A self-contained page, without scripts or external resources. */
export function htmlPage(title: string, body: readonly string[]): string {
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="color-scheme" content="light dark">',
    `<title>${escapeText(title)}</title>`,
    `<style>${pageStyle()}</style>`,
    '</head>',
    '<body>',
    '<main>',
    ...body,
    '</main>',
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

export function section(id: string, heading: string, content: readonly string[]): string {
  return [`<section id="${id}">`, `<h2>${heading}</h2>`, ...content, '</section>'].join('\n');
}

/** A chart with its description below. */
export function figure(chart: Chart): string {
  return [
    `<figure style="max-width:${chart.width}px">`,
    drawChart(chart),
    `<figcaption>${escapeText(chart.description)}</figcaption>`,
    '</figure>',
  ].join('\n');
}
