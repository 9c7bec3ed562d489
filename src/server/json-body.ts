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
    parseJson(request, text, done);
  });
}
