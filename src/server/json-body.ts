/** Bodies: JSON in strict UTF-8, and no other content type. */
import { AppError } from '../lib/errors.ts';
import type { ServerApp } from './fastify-types.ts';

/** Replaces Fastify's parsers: theirs also takes text/plain, and reads invalid UTF-8 as other characters (other users). */
export function parseJsonBodies(app: ServerApp): void {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    let text: string;
    try {
      text = decoder.decode(body as Buffer);
    } catch (cause) {
      done(new AppError('invalid_request', 'the body is not valid UTF-8', { cause }));
      return;
    }
    // many clients name the type of a body that they do not send; where one is needed its schema says so
    if (text === '') done(null, undefined);
    else parseJson(request, text, done);
  });
}

/** Takes NDJSON too: one value a line, which `toBody` makes what the same as JSON would be. Errors name the line. */
export function parseJsonLines(app: ServerApp, toBody: (values: readonly unknown[]) => unknown): void {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  app.addContentTypeParser('application/x-ndjson', { parseAs: 'buffer' }, (_request, body, done) => {
    try {
      const lines = decoder.decode(body as Buffer).split('\n');
      done(null, toBody(lines.flatMap((line, i) => (line.trim() === '' ? [] : [parseLine(line, i + 1)]))));
    } catch (error) {
      const cause = error instanceof AppError ? error : new AppError('invalid_request', 'the body is not valid UTF-8');
      done(cause);
    }
  });
}

function parseLine(line: string, number: number): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch (cause) {
    const message = `line ${number} is not JSON`;
    throw new AppError('invalid_request', message, { details: [{ pointer: `line ${number}`, message }], cause });
  }
}
