/**
 * Refuses requests from other web pages. Any page in a browser on the service's machine can send requests to 127.0.0.1.
 * Without a key, only `Host` and `Origin` show which page sent a request.
 */
import type { FastifyRequest } from 'fastify';
import { AppError } from '../../../lib/errors.ts';

interface BrowserRules {
  /**
   * Whether an API key is required. If it is, every `Host` is accepted, because a page that uses another name for this
   * address has no key.
   */
  readonly apiKey: string | null;
  /**
   * Host names or addresses under which the service may be called without a key, besides loopback names and addresses.
   */
  readonly allowedHosts: readonly string[];
  /**
   * Origins of pages that may call the service, each `scheme://host[:port]`. `cors.ts` lets these pages read the
   * responses.
   */
  readonly corsOrigins: readonly string[];
}

const LOOPBACK_HOSTS = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Returns the check that every request passes first. Most requests have no `Origin` and the same `Host` as the previous
 * request, so the check takes two comparisons. The check throws AppError foreign_host, foreign_origin.
 */
export function createBrowserGuard({
  apiKey,
  allowedHosts,
  corsOrigins,
}: BrowserRules): (request: FastifyRequest) => void {
  const isOurs = apiKey === null ? createHostCheck(allowedHosts) : () => true;
  const origins = new Set(corsOrigins);
  return ({ raw }) => {
    const { host, origin } = raw.headers;
    if (!isOurs(host)) {
      const message =
        'the service does not accept requests for this host name; to allow it, add it to METAHEAC_ALLOWED_HOSTS';
      throw new AppError('foreign_host', message, { details: [{ pointer: 'host', value: host, message }] });
    }
    if (origin === undefined || origins.has(origin) || isSameOrigin(origin, host)) return;
    const message =
      'pages from this origin may not call the service; to allow the origin, add it to METAHEAC_CORS_ORIGINS';
    throw new AppError('foreign_origin', message, { details: [{ pointer: 'origin', value: origin, message }] });
  };
}

function createHostCheck(allowed: readonly string[]): (host: string | undefined) => boolean {
  const names = new Set([...LOOPBACK_HOSTS, ...allowed].map(nameOfHost));
  let last: string | undefined;
  return (host) => {
    // only HTTP/1.0 requests have no Host, and no browser sends such requests
    if (host === undefined || host === last) return true;
    if (!names.has(nameOfHost(host))) return false;
    last = host;
    return true;
  };
}

/** The host without port, brackets and trailing dot. Ports are ignored, because proxies and containers map them. */
export function nameOfHost(host: string): string {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host.toLowerCase()) ?? [];
  return (bracketed ?? plain ?? host).replace(/\.$/, '');
}

/**
 * Whether an origin is the service's own. The origin `null` (of files and sandboxed frames) never counts as the
 * service's own.
 */
function isSameOrigin(origin: string, host: string | undefined): boolean {
  const at = origin.indexOf('://');
  return at > 0 && origin.slice(at + 3) === host;
}
