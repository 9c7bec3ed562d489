/**
 * Keeps web pages of others out. A browser on the service's machine reaches 127.0.0.1 for any page that it shows, so
 * that without a key neither the address nor the network says whose request it is: `Host` and `Origin` do.
 */
import type { FastifyRequest } from 'fastify';
import { AppError } from '../../../lib/errors.ts';

interface BrowserRules {
  /** With a key every `Host` may be named: a page that has found another name for this address has no key. */
  readonly apiKey: string | null;
  /** Names or addresses by which the service may be called without a key, besides those of loopback. */
  readonly allowedHosts: readonly string[];
  /** Origins whose pages may call, each `scheme://host[:port]`: `http/cors.ts` lets them read the answers. */
  readonly corsOrigins: readonly string[];
}

const LOOPBACK_HOSTS = ['localhost', '127.0.0.1', '[::1]'];

/**
 * The check of every request, before anything is done for it. Most requests have no `Origin` and the same `Host` as the
 * one before: two comparisons. The check throws AppError foreign_host, foreign_origin.
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
      const message = 'the service is not called by this name; METAHEAC_ALLOWED_HOSTS can add it';
      throw new AppError('foreign_host', message, { details: [{ pointer: 'host', value: host, message }] });
    }
    if (origin === undefined || origins.has(origin) || isSameOrigin(origin, host)) return;
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
