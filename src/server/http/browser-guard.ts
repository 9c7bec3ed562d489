/**
 * Keeps web pages of others out. A browser on the service's machine reaches 127.0.0.1 for any page that it shows, so
 * that without a key neither the address nor the network says whose request it is: `Host` and `Origin` do.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../../lib/errors.ts';
import type { ServerApp } from './fastify-types.ts';
import { RESPONSE_HEADERS } from './response-headers.ts';

interface BrowserRules {
  /** With a key every `Host` may be named: a page that has found another name for this address has no key. */
  readonly apiKey: string | null;
  /** Names or addresses by which the service may be called without a key, besides those of loopback. */
  readonly allowedHosts: readonly string[];
  /** Origins whose pages may call, each `scheme://host[:port]`; they get CORS headers. */
  readonly corsOrigins: readonly string[];
}

const LOOPBACK_HOSTS = ['localhost', '127.0.0.1', '[::1]'];

const CORS_METHODS = 'GET, POST, PUT, PATCH, DELETE';

/** Request headers beyond those that browsers send of their own. */
const CORS_HEADERS =
  'Accept, Authorization, Content-Encoding, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Request-Id';

/** Seconds for which a browser need not ask again. */
const PREFLIGHT_SECONDS = 600;

const EXPOSED_HEADERS = Object.keys(RESPONSE_HEADERS).join(', ');

/**
 * The check of every request, for the first hook: whether it has answered it already (a preflight). Most requests have
 * no `Origin` and the same `Host` as the one before: two comparisons.
 * @throws AppError foreign_host, foreign_origin
 */
export function createBrowserGuard(
  app: ServerApp,
  { apiKey, allowedHosts, corsOrigins }: BrowserRules,
): (request: FastifyRequest, reply: FastifyReply) => boolean {
  const isOurs = apiKey === null ? createHostCheck(allowedHosts) : () => true;
  const origins = new Set(corsOrigins);
  if (origins.size > 0) varyByOrigin(app);
  return (request, reply) => {
    const { host, origin } = request.raw.headers;
    if (!isOurs(host)) {
      const message = 'the service is not called by this name; METAHEAC_ALLOWED_HOSTS can add it';
      throw new AppError('foreign_host', message, { details: [{ pointer: 'host', value: host, message }] });
    }
    if (origin === undefined) return false;
    if (origins.has(origin)) return answerCors(request, reply, origin);
    if (isSameOrigin(origin, host)) return false;
    const message = 'pages of this origin may not call the service; METAHEAC_CORS_ORIGINS can add it';
    throw new AppError('foreign_origin', message, { details: [{ pointer: 'origin', value: origin, message }] });
  };
}

function createHostCheck(allowed: readonly string[]): (host: string | undefined) => boolean {
  const names = new Set([...LOOPBACK_HOSTS, ...allowed].map(nameOfHost));
  let last: string | undefined;
  return (host) => {
    // only HTTP/1.0 has none, which no browser speaks
    if (host === undefined || host === last) return true;
    if (!names.has(nameOfHost(host))) return false;
    last = host;
    return true;
  };
}

/** A host without its port, brackets and last dot: a port says nothing, as proxies and containers map them. */
export function nameOfHost(host: string): string {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host.toLowerCase()) ?? [];
  return (bracketed ?? plain ?? host).replace(/\.$/, '');
}

/** `null`, the origin of files and sandboxed frames, is no one's own. */
function isSameOrigin(origin: string, host: string | undefined): boolean {
  const at = origin.indexOf('://');
  return at > 0 && origin.slice(at + 3) === host;
}

/** Lets the page read the answer; a preflight is answered here. Credentials are never allowed: keys are no cookies. */
function answerCors(request: FastifyRequest, reply: FastifyReply, origin: string): boolean {
  reply.headers({ 'access-control-allow-origin': origin, 'access-control-expose-headers': EXPOSED_HEADERS });
  const isPreflight =
    request.method === 'OPTIONS' && request.raw.headers['access-control-request-method'] !== undefined;
  if (!isPreflight) return false;
  reply
    .code(204)
    .headers({
      'access-control-allow-methods': CORS_METHODS,
      'access-control-allow-headers': CORS_HEADERS,
      'access-control-max-age': PREFLIGHT_SECONDS,
    })
    .send();
  return true;
}

/** After the routes, whose own `Vary` would replace ours. */
function varyByOrigin(app: ServerApp): void {
  app.addHook('onSend', (_request, reply, payload, done) => {
    const vary = reply.getHeader('vary');
    reply.header('vary', vary === undefined ? 'origin' : `${vary}, origin`);
    done(null, payload);
  });
}
