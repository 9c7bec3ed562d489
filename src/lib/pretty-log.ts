/** Converts pino's JSON lines to human-readable lines with pino-pretty. */
import { createRequire } from 'node:module';
import type PinoPretty from 'pino-pretty';

/** An escape sequence in JSON. The first two alternatives match control characters other than line ends and tabs. */
const ESCAPE = /\\(u00[01][0-9a-f]|[bfr]|.)/gi;
const HARMLESS = new Set(['n', 't', 'u', '"', '\\', '/']);
/** Control characters that JSON.stringify does not escape. */
const UNESCAPED = /[\u007f-\u009f]/g;

/**
 * Returns a function that formats a JSON line as `[14:03:07.123] INFO (api): request {"status":200,"ms":3.1}`, in UTC.
 * An error and its stack follow on the next lines. Control characters stay escaped, because text from outside must not
 * move the cursor or start a line. pino-pretty is loaded only here, because loading it takes a long time and most
 * services write JSON.
 */
export function createPrettyPrinter(isColoured: boolean): (json: string) => string {
  const { prettyFactory } = createRequire(import.meta.url)('pino-pretty') as typeof PinoPretty;
  const print = prettyFactory({
    colorize: isColoured,
    singleLine: true,
    translateTime: 'UTC:HH:MM:ss.l',
    messageFormat: ({ msg }) => (msg === undefined ? '' : String(msg).replaceAll('\n', '\\n')),
  });
  return (json) => print(escapeTwice(json));
}

function escapeTwice(json: string): string {
  return json
    .replace(ESCAPE, (found, what: string) => (HARMLESS.has(what) ? found : `\\${found}`))
    .replace(UNESCAPED, (character) => `\\\\u00${character.charCodeAt(0).toString(16)}`);
}
