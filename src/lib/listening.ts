/** Checks the address that a service listens on, and makes the error for a failure to listen. */
import { isIPv4 } from 'node:net';
import { AppError, messageOf } from './errors.ts';

/**
 * Throws AppError invalid_argument if other machines would be served without a key. A key is needed for a host that is
 * not loopback. A service with trusted proxies also needs a key, because a proxy on the same machine can reach a
 * loopback host.
 */
export function requireKeyFor(host: string, hasKey: boolean, trustedProxies: readonly string[] = []): void {
  if (hasKey || (isLoopback(host) && trustedProxies.length === 0)) return;
  const [what, instead] = isLoopback(host)
    ? ['the service behind a trusted proxy', 'trust no proxy']
    : [`host ${host}`, 'serve on 127.0.0.1'];
  throw new AppError(
    'invalid_argument',
    `${what} can be reached from other machines; set METAHEAC_API_KEY, create a key with ` +
      `\`metaheac keys create\`, or ${instead}`,
  );
}

/** Whether the host is a loopback host, which only this machine can reach. */
export function isLoopback(host: string): boolean {
  const name = host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/^::ffff:/, '');
  return name === 'localhost' || name === '::1' || (isIPv4(name) && name.startsWith('127.'));
}

/** The error for a failure to listen. */
export function cannotListen(
  { host, port }: { readonly host: string; readonly port: number },
  error: unknown,
): AppError {
  const reason = (error as NodeJS.ErrnoException).code ?? messageOf(error);
  return new AppError('unavailable', `cannot listen on ${host}:${port}: ${reason}`, { cause: error });
}
