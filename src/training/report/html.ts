/** Text and numbers for pages. */

const NAME_CHARACTERS = 24;

/** Text as content or attribute of HTML and SVG. */
export function escapeText(text: string): string {
  return (
    text
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      // characters that XML cannot represent
      .replace(/[^\P{Cc}\t\n\r]|\p{Cs}|[\ufffe\uffff]/gu, '\ufffd')
  );
}

/** A mean with the bounds of its interval. */
interface Bounds {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** 0.831 [0.790, 0.868] */
export function interval({ mean, low, high }: Bounds, digits: number): string {
  return `${mean.toFixed(digits)} [${low.toFixed(digits)}, ${high.toFixed(digits)}]`;
}

/** +0.012 [−0.004, +0.026] */
export function signedInterval({ mean, low, high }: Bounds, digits: number): string {
  return `${signed(mean, digits)} [${signed(low, digits)}, ${signed(high, digits)}]`;
}

/** With a real minus sign; no sign if only zeros would be shown. */
export function signed(value: number, digits: number): string {
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return text;
  return `${value < 0 ? '−' : '+'}${text}`;
}

/** Whether an interval of differences contains zero: ahead, behind, or not clear. */
export function clearSign({ low, high }: Bounds): 1 | -1 | 0 {
  return low > 0 ? 1 : high < 0 ? -1 : 0;
}

/** A share of an audience: .1 %, 5 %, 100 %. */
export function percent(share: number): string {
  return `${Number((100 * share).toPrecision(4))} %`;
}

/** A name, cut to the space in charts. */
export function shortened(name: string): string {
  return name.length > NAME_CHARACTERS ? `${name.slice(0, NAME_CHARACTERS - 1)}…` : name;
}

export interface Cell {
  readonly text: string;
  /** A row's heading. */
  readonly heading?: boolean;
  readonly strong?: boolean;
  readonly quiet?: boolean;
}

/**
 * A table; the columns after the first `texts` are numbers and right-aligned. Plain text cells are escaped here.
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
      const { text, heading = false, strong = false, quiet = false } = typeof cell === 'string' ? { text: cell } : cell;
      const content = strong ? `<b>${escapeText(text)}</b>` : quiet ? `<i>${escapeText(text)}</i>` : escapeText(text);
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
