/** Parses request bodies, which must be JSON in strict UTF-8. */
import { isAscii } from 'node:buffer';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FastifyRequest } from 'fastify';
import { AppError } from '../../../lib/errors.ts';
import type { ServerApp } from '../fastify-types.ts';
import { refuseJsonFault } from './json-names.ts';
import { parseJson, parseJsonLine } from './json-text.ts';

/** Number of bytes beyond which a body is parsed in one iteration of the event loop and checked in another. */
const LARGE_BYTES = 64 * 1024;

/** Number of NDJSON lines that are parsed before other requests are handled. */
const SLICE_LINES = 2_000;

/**
 * Replaces Fastify's parsers, which accept text/plain, and which decode invalid UTF-8 as other characters, possibly as
 * the ids of other users.
 */
export function parseJsonBodies(app: ServerApp): void {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  app.removeAllContentTypeParsers();
  const decode = (body: Buffer) => {
    try {
      return isAscii(body) ? body.toString('latin1') : decoder.decode(body);
    } catch (cause) {
      throw new AppError('invalid_request', 'the body is not valid UTF-8', { cause });
    }
  };
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request: FastifyRequest, body: Buffer, done) => {
    const attempt = (step: () => void) => {
      try {
        step();
      } catch (error) {
        done(error as Error);
      }
    };
    attempt(() => {
      refuseEncoded(request);
      const quick = request.routeOptions.config.readQuickly?.(body) ?? null;
      if (quick !== null) return done(null, quick);
      const text = decode(body);
      // many clients declare a content type without sending a body; the schema of the route decides whether a body is
      // required
      if (text === '') return done(null, undefined);
      const value = parseJson(body, text);
      if (body.length <= LARGE_BYTES) {
        refuseJsonFault(text, value);
        return done(null, value);
      }
      // a large body is checked in another iteration of the event loop
      setImmediate(() =>
        attempt(() => {
          refuseJsonFault(text, value);
          setImmediate(done, null, value);
        }),
      );
    });
  });
}

/**
 * Also accepts NDJSON with one value per line. `toBody` converts the values to the equivalent JSON body. Errors name
 * the line. Other requests are handled between slices.
 */
export function parseJsonLines(app: ServerApp, toBody: (values: readonly unknown[]) => unknown): void {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  app.addContentTypeParser(
    'application/x-ndjson',
    { parseAs: 'buffer' },
    async (request: FastifyRequest, body: Buffer) => {
      refuseEncoded(request);
      let lines: string[];
      try {
        lines = decoder.decode(body).split('\n');
      } catch (cause) {
        throw new AppError('invalid_request', 'the body is not valid UTF-8', { cause });
      }
      const values: unknown[] = [];
      for (const [i, line] of lines.entries()) {
        if (line.trim() !== '') values.push(parseLine(line, i + 1));
        if (i % SLICE_LINES === SLICE_LINES - 1) await nextTurn();
      }
      // check the values in another iteration of the event loop
      await nextTurn();
      return toBody(values);
    },
  );
}

/** Only uploads may be compressed. @throws AppError unsupported_media_type */
function refuseEncoded({ headers }: FastifyRequest): void {
  const { 'content-encoding': encoding = 'identity' } = headers;
  if (encoding === 'identity') return;
  const message = 'the body must be sent without Content-Encoding';
  throw new AppError('unsupported_media_type', message, {
    details: [{ pointer: 'content-encoding', value: encoding, message }],
  });
}

function parseLine(line: string, number: number): unknown {
  const { value, fault } = parseJsonLine(line);
  if (fault === undefined) return value;
  throw new AppError('invalid_request', `the body is not valid: line ${number}: ${fault}`, {
    details: [{ pointer: `line ${number}`, message: fault }],
  });
}
