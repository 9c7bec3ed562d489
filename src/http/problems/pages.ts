/** Documentation pages of the error codes, as JSON and as self-contained HTML. */
import { z } from 'zod';
import { type ErrorCode, PROBLEMS } from '../../lib/error-codes/error-codes.ts';
import { problemTypeOf } from './problem.ts';

const REQUEST_ID = '0b0c1d6e-6a1f-4f5c-9a55-0f6f1f3f7a11';
const EXAMPLE_DETAIL = 'one sentence about what is wrong in this request';

const codeSchema = z.enum(Object.keys(PROBLEMS) as [ErrorCode, ...ErrorCode[]]);

interface ErrorPage {
  readonly code: ErrorCode;
  readonly type: string;
  readonly status: number;
  readonly title: string;
  readonly meaning: string;
  readonly advice: string;
  readonly example: Record<string, unknown>;
}

/** The documentation page of an error code. */
export const errorPageSchema = z
  .object({
    code: codeSchema.describe('The error code.'),
    type: z
      .string()
      .meta({ format: 'uri-reference' })
      .describe("The `type` of problems with this code, which is the URL of the code's page."),
    status: z.int().describe('HTTP status of problems with this code.'),
    title: z.string().describe('`title` of problems with this code.'),
    meaning: z.string().describe('What the code means, and what causes it.'),
    advice: z.string().describe('Advice on how to resolve the error.'),
    example: z.record(z.string(), z.unknown()).describe('An example of a response body with this code.'),
  })
  .meta({ id: 'ErrorPage', examples: [errorPageOf('audience_not_ready')] });

export const errorListSchema = z
  .object({ items: z.array(errorPageSchema).readonly() })
  .meta({ id: 'ErrorPages', examples: [{ items: [errorPageOf('audience_not_ready')] }] });

const CODES = codeSchema.options;

/** Returns the pages of all error codes, sorted by status, then by code. */
export function listErrorPages(): ErrorPage[] {
  const order = (a: ErrorCode, b: ErrorCode) => PROBLEMS[a].status - PROBLEMS[b].status || (a < b ? -1 : 1);
  return [...CODES].sort(order).map(errorPageOf);
}

/** Returns the page of an error code, or null if the text is not an error code. */
export function findErrorPage(text: string): ErrorPage | null {
  const code = CODES.find((one) => one === text);
  return code === undefined ? null : errorPageOf(code);
}

function errorPageOf(code: ErrorCode): ErrorPage {
  const { status, title, hidden, meaning, advice } = PROBLEMS[code];
  const example = {
    type: problemTypeOf(code),
    title,
    status,
    detail: hidden ? `the service log has details under the request id ${REQUEST_ID}` : EXAMPLE_DETAIL,
    code,
    request_id: REQUEST_ID,
    errors: [],
  };
  return { code, type: problemTypeOf(code), status, title, meaning, advice, example };
}

/** Returns the list of error codes as an HTML page. */
export function renderErrorList(pages: readonly ErrorPage[]): string {
  const rows = pages.map(
    ({ code, type, status, title }) =>
      `<tr><td>${status}</td><td><a ` +
      `href="${escapeHtml(type)}"><code>${escapeHtml(code)}</code></a></td><td>${escapeHtml(title)}</td></tr>`,
  );
  return page(
    'Errors',
    `<p>Every error is <code>application/problem+json</code> (RFC 9457). Programs should branch on ` +
      `<code>code</code>, which is stable. <code>type</code> is the URL of the code's page.</p>
<table><tr><th>status</th><th>code</th><th>meaning</th></tr>
${rows.join('\n')}
</table>`,
  );
}

/** Returns the page of an error code as HTML. */
export function renderErrorPage({ code, status, title, meaning, advice, example }: ErrorPage): string {
  return page(
    code,
    `<p>Status ${status}: ${escapeHtml(title)}.</p>
<h2>What it means</h2>
<p>${escapeHtml(meaning)}</p>
<h2>What to do</h2>
<p>${escapeHtml(advice)}</p>
<h2>Example response</h2>
<pre>${escapeHtml(JSON.stringify(example, null, 2))}</pre>
<p><a href="/docs/errors">All codes</a></p>`,
  );
}

const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:48rem;margin:2rem auto;padding:0 ' +
  '1rem;color:#222;background:#fff}' +
  'table{border-collapse:collapse}td,th{padding:.2rem .8rem .2rem 0;text-align:left;vertical-align:top}' +
  'td,h1{overflow-wrap:anywhere}td:first-child{overflow-wrap:normal}td a{display:inline-block;min-height:24px}' +
  'pre{background:#f4f4f4;padding:1rem;white-space:pre-wrap;overflow-wrap:anywhere}' +
  '@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}pre{background:#242424}a{color:#8bf}}';

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)} - metaheac</title>
<style>${STYLE}</style></head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
${body}
</main>
</body>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
