/** SVG elements as text. */

/** Escapes text for the content or an attribute of HTML and SVG. */
export function escapeText(text: string): string {
  return (
    text
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      // XML cannot represent these characters
      .replace(/[^\P{Cc}\t\n\r]|\p{Cs}|[\ufffe\uffff]/gu, '\ufffd')
  );
}

/** Values of attributes; undefined values are left out. Numbers are pixels, rounded to a hundredth. */
export type Attributes = Readonly<Record<string, string | number | undefined>>;

/** Writes `<name ../>`, with attributes in the given order. */
export function element(name: string, attributes: Attributes): string {
  return `<${name}${written(attributes)}/>`;
}

/** Writes `<text ..>`, centred on its y. */
export function textElement(text: string, attributes: Attributes): string {
  return `<text dominant-baseline="central"${written(attributes)}>${escapeText(text)}</text>`;
}

function written(attributes: Attributes): string {
  return Object.entries(attributes)
    .flatMap(([name, value]) => (value === undefined ? [] : [` ${name}="${valueText(value)}"`]))
    .join('');
}

function valueText(value: string | number): string {
  return typeof value === 'string' ? escapeText(value) : String(Number(value.toFixed(2)));
}
