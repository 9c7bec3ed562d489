/** Creates a span for each request. If telemetry is not exported, no hook is added. */
import type { FastifyRequest } from 'fastify';
import { parseTraceparent, type Span, type Telemetry, traceFields } from '../../lib/tracing.ts';
import type { ServerApp } from './fastify-types.ts';
import { LazyLogger } from './lazy-logger.ts';

/**
 * Continues the caller's trace (`traceparent`), and adds `trace_id` to the log lines of the request. If the caller does
 * not record its trace, no span of the request is recorded. Health checks and routes that are called thousands of times
 * a second are traced only if the caller records its trace.
 */
export function traceRequests(app: ServerApp, telemetry: Telemetry): void {
  const spans = new WeakMap<FastifyRequest, Span>();
  app.addHook('onRequest', (request, reply, done) => {
    const { url = 'unknown', config } = request.routeOptions;
    const caller = parseTraceparent(request.headers['traceparent']);
    const isTraced = config.quiet !== true || caller?.isSampled === true;
    if (isTraced) {
      const span = telemetry.start({
        name: `${request.method} ${url}`,
        kind: 'server',
        parent: caller === null ? null : String(request.headers['traceparent']),
        attributes: { 'http.request.method': request.method, 'http.route': url, 'metaheac.request_id': request.id },
      });
      spans.set(request, span);
      const log = new LazyLogger(app.log, { request_id: request.id, ...traceFields(span.traceparent) });
      request.log = log;
      reply.log = log;
    }
    done();
  });
  // an earlier hook would lose the span, because the body is parsed in later events of the socket
  app.addHook('preHandler', (request, _reply, done) => {
    const span = spans.get(request);
    if (span === undefined) done();
    else telemetry.within(span, done);
  });
  app.addHook('onResponse', (request, reply, done) => {
    const { statusCode: status, problemCode: code } = reply;
    spans.get(request)?.end({
      attributes: { 'http.response.status_code': status, 'error.type': code },
      error: status >= 500 ? (code ?? String(status)) : null,
    });
    done();
  });
}
