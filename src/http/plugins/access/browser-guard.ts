/**
 * Refuses requests from other web pages. A browser on the service's machine can reach 127.0.0.1 for any page that it
 * shows. Without a key only `Host` and `Origin` tell which page sent a request.
 */
import type { FastifyRequest } from 'fastify';
import { AppError } from '../../../lib/errors.ts';

interface BrowserRules {
  /** If set, every `Host` is accepted: a page that uses another name for this address has no key. */
  readonly apiKey: string | null;
  /** Host names or addresses under which the service may be called without a key, besides those of loopback. */
  readonly allowedHosts: readonly string[];
  /** Origins whose pages may call the service, each `scheme://host[:port]`: `cors.ts` lets them read the responses. */
  readonly corsOrigins: readonly string[];
}

const LOOPBACK_HOSTS = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Returns the check that every request passes first. Most requests have no `Origin` and the same `Host` as the request
 * before, so that the check takes two comparisons. It throws AppError foreign_host, foreign_origin.
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
      const message = 'the service does not respond under this host name; METAHEAC_ALLOWED_HOSTS can add it';
      throw new AppError('foreign_host', message, { details: [{ pointer: 'host', value: host, message }] });
    }
    if (origin === undefined || origins.has(origin) || isSameOrigin(origin, host)) return;
    const message = 'pages from this origin may not call the service; METAHEAC_CORS_ORIGINS can add it';
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

/** A host without its port, brackets and trailing dot: ports do not matter, as proxies and containers map them. */
export function nameOfHost(host: string): string {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host.toLowerCase()) ?? [];
  return (bracketed ?? plain ?? host).replace(/\.$/, '');
}

/** `null`, the origin of files and sandboxed frames, is never the service's own. */
function isSameOrigin(origin: string, host: string | undefined): boolean {
  const at = origin.indexOf('://');
  return at > 0 && origin.slice(at + 3) === host;
}
