/** Bodies: JSON in strict UTF-8, and no other content type. */
import { setImmediate } from 'node:timers/promises';
import { AppError } from '../../lib/errors.ts';
import type { ServerApp } from './fastify-types.ts';
import { isTooDeep, parseJson } from './json-text.ts';

/** A body of more is parsed in one turn of the event loop and checked in another. */
const LARGE_BYTES = 64 * 1024;

/** Lines of NDJSON that are parsed at once. */
const SLICE_LINES = 2_000;

/**
 * Replaces Fastify's parsers: theirs also takes text/plain, and reads invalid UTF-8 as other characters (other users).
 */
export function parseJsonBodies(app: ServerApp): void {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (_request: unknown, body: Buffer) => {
    let text: string;
    try {
      text = decoder.decode(body);
    } catch (cause) {
      throw new AppError('invalid_request', 'the body is not valid UTF-8', { cause });
    }
    // many clients name the type of a body that they do not send; where one is needed its schema says so
    if (text === '') return undefined;
    const value = parseJson(body, text);
    // what checks a large one has a turn of its own
    if (body.length > LARGE_BYTES) await setImmediate();
    return value;
  });
}

/**
 * Takes NDJSON too: one value a line, which `toBody` makes what the same as JSON would be. Errors name the line. Others
 * have their turn between slices.
 */
export function parseJsonLines(app: ServerApp, toBody: (values: readonly unknown[]) => unknown): void {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  app.addContentTypeParser('application/x-ndjson', { parseAs: 'buffer' }, async (_request: unknown, body: Buffer) => {
    let lines: string[];
    try {
      lines = decoder.decode(body).split('\n');
    } catch (cause) {
      throw new AppError('invalid_request', 'the body is not valid UTF-8', { cause });
    }
    const values: unknown[] = [];
    for (const [i, line] of lines.entries()) {
      if (line.trim() !== '') values.push(parseLine(line, i + 1));
      if (i % SLICE_LINES === SLICE_LINES - 1) await setImmediate();
    }
    // what checks them has a turn of its own
    await setImmediate();
    return toBody(values);
  });
}

function parseLine(line: string, number: number): unknown {
  try {
    if (line.length > LARGE_BYTES && isTooDeep(Buffer.from(line))) throw new RangeError('too deep');
    return JSON.parse(line) as unknown;
  } catch (cause) {
    const message = `line ${number} is not JSON`;
    throw new AppError('invalid_request', message, { details: [{ pointer: `line ${number}`, message }], cause });
  }
}
