/** Formats the log for people with pino-pretty, from pino's JSON. */
import { createRequire } from 'node:module';
import type PinoPretty from 'pino-pretty';

/** A JSON escape. The first two alternatives are control characters other than a line end or a tab. */
const ESCAPE = /\\(u00[01][0-9a-f]|[bfr]|.)/gi;
const HARMLESS = new Set(['n', 't', 'u', '"', '\\', '/']);
/** Control characters that JSON does not escape. */
const UNESCAPED = /[\u007f-\u009f]/g;

/**
 * Formats a line of JSON as `[14:03:07.123] INFO (api): request {"status":200,"ms":3.1}`, in UTC, with an error and its
 * stack below. Control characters stay escaped: text from outside must not move the cursor or start a line. The package
 * is loaded here, because that takes longer than the rest of logging and most services write JSON.
 */
export function createPrettyPrinter(isColoured: boolean): (json: string) => string {
  const { prettyFactory } = createRequire(import.meta.url)('pino-pretty') as typeof PinoPretty;
  const print = prettyFactory({
    ...{ colorize: isColoured, singleLine: true, translateTime: 'UTC:HH:MM:ss.l' },
    messageFormat: ({ msg }) => (msg === undefined ? '' : String(msg).replaceAll('\n', '\\n')),
  });
  return (json) => print(escapeTwice(json));
}

function escapeTwice(json: string): string {
  return json
    .replace(ESCAPE, (found, what: string) => (HARMLESS.has(what) ? found : `\\${found}`))
    .replace(UNESCAPED, (character) => `\\\\u00${character.charCodeAt(0).toString(16)}`);
}
