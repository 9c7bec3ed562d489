/**
 * Rate limits by key and by address with @fastify/rate-limit: windows of fixed length, counted in memory. The nodes of
 * a cluster share their counts.
 */
import fastifyRateLimit, {
  type FastifyRateLimitStore,
  type FastifyRateLimitStoreCtor,
  normalizeIP,
} from '@fastify/rate-limit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { SharedCounts } from '../../../domain/ports/cluster.ts';
import type { Clock } from '../../../lib/clock.ts';
import { AppError } from '../../../lib/errors.ts';
import { plainAddress } from '../../../lib/trusted-proxies.ts';
import type { ServerApp } from '../fastify-types.ts';
import type { HttpLimits } from '../limits.ts';
import { SharedWindows } from './shared-windows.ts';

type RateLimits = Pick<
  HttpLimits,
  | 'requestsPerKey'
  | 'requestsPerAddress'
  | 'rateLimitWindowMs'
  | 'maximumRateLimitClients'
  | 'shareCountsMs'
  | 'sharedCountSlackPercent'
  | 'sharedCountWaitMs'
>;

/**
 * Counts a request, and sets the `RateLimit-*` headers.
 * @throws AppError rate_limited
 */
type Count = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

/** Functions that count requests. A function is null if its limit is 0. */
export interface RateLimiter {
  /** Counts by address. Runs before the key is checked, so that requests with guessed keys are counted. */
  readonly countAddress: Count | null;

  /** Counts by key. Runs after the key is checked, so that only existing keys take memory. */
  readonly countKey: Count | null;
}

export const NO_RATE_LIMITS: RateLimiter = { countAddress: null, countKey: null };

/** The name under which clients beyond the maximum number are counted together. */
const OTHERS = '';

/** Paths that are never counted, so that monitoring is not refused because of other clients' requests. */
const UNCOUNTED: ReadonlySet<string | undefined> = new Set(['/livez', '/readyz', '/metrics']);

/** `shared` adds up the counts of the nodes of a cluster; null for a service that is alone. */
export async function createRateLimiter(
  app: ServerApp,
  limits: RateLimits,
  clock: Pick<Clock, 'elapsed' | 'now'>,
  shared: SharedCounts | null,
): Promise<RateLimiter> {
  const { requestsPerAddress, requestsPerKey, rateLimitWindowMs: timeWindow } = limits;
  if (requestsPerAddress === 0 && requestsPerKey === 0) return NO_RATE_LIMITS;
  const storeOf = (kind: string) =>
    shared === null ? windowsOf(limits, clock) : sharedWindowsOf(app, new SharedWindows(kind, shared, clock, limits));
  const store = storeOf('');
  await app.register(fastifyRateLimit, { global: false, timeWindow, store });
  return {
    countAddress: countBy(app, storeOf('address'), requestsPerAddress, networkOf, ({ raw }) => UNCOUNTED.has(raw.url)),
    countKey: countBy(app, storeOf('key'), requestsPerKey, ({ headers }) => headers.authorization ?? OTHERS),
  };
}

/** The IPv4 address, or the /64 network of an IPv6 address, because one subscriber usually has at least a /64. */
function networkOf(request: FastifyRequest): string {
  const address = clientAddress(request);
  return address === undefined ? OTHERS : normalizeIP(address, 64);
}

function countBy(
  app: ServerApp,
  store: FastifyRateLimitStoreCtor,
  max: number,
  keyGenerator: (request: FastifyRequest) => string,
  allowList: (request: FastifyRequest) => boolean = () => false,
): Count | null {
  if (max === 0) return null;
  const count = app.createRateLimit({ max, keyGenerator, allowList, store });
  return async (request, reply) => {
    const counted = await count(request);
    if (counted.isAllowed) return;
    const { remaining, ttlInSeconds, isExceeded, timeWindow } = counted;
    // if both limits apply, the response shows the limit with fewer remaining requests
    if (remaining <= Number(reply.getHeader('ratelimit-remaining') ?? Number.POSITIVE_INFINITY))
      reply
        .header('ratelimit-limit', max)
        .header('ratelimit-remaining', remaining)
        .header('ratelimit-reset', ttlInSeconds);
    if (!isExceeded) return;
    throw new AppError('rate_limited', `more than ${max} requests in ${timeWindow} ms`, {
      facts: { retry_after: ttlInSeconds },
    });
  };
}

/**
 * Replaces the store of @fastify/rate-limit, which depends on the wall clock and, once full, forgets an old client for
 * each new client. In this store, all windows begin and end together, so memory is freed at once. Around the end of a
 * window, up to twice the limit may be accepted.
 */
function windowsOf({ maximumRateLimitClients }: RateLimits, clock: Pick<Clock, 'elapsed'>): FastifyRateLimitStoreCtor {
  return class Windows {
    readonly #counts = new Map<string, number>();
    #endsAt = 0;

    incr(
      client: string,
      done: (error: null, counted: { readonly current: number; readonly ttl: number }) => void,
      windowMs: number,
    ): void {
      const now = clock.elapsed();
      if (now >= this.#endsAt) {
        this.#counts.clear();
        this.#endsAt = now + windowMs;
      }
      const name = this.#counts.has(client) || this.#counts.size < maximumRateLimitClients ? client : OTHERS;
      const current = (this.#counts.get(name) ?? 0) + 1;
      this.#counts.set(name, current);
      done(null, { current, ttl: this.#endsAt - now });
    }

    child: FastifyRateLimitStore['child'] = ofLimit;
  };
}

function sharedWindowsOf(app: ServerApp, windows: SharedWindows): FastifyRateLimitStoreCtor {
  app.addHook('onClose', async () => windows.close());
  return class {
    child: FastifyRateLimitStore['child'] = ofLimit;

    incr(
      client: string,
      done: (error: null, counted: { readonly current: number; readonly ttl: number }) => void,
      _windowMs: number,
      maximum: number,
    ): void {
      windows.count(client, OTHERS, maximum, (current, ttl) => done(null, { current, ttl }));
    }
  };
}

/** The store of one limit. @fastify/rate-limit asks the store of all limits for it, with the options of the limit. */
function ofLimit(options: object): FastifyRateLimitStore {
  const { store: Store } = options as { readonly store: FastifyRateLimitStoreCtor };
  return new Store({});
}

/**
 * Returns the address of the connection or, behind a trusted proxy, the last entry of `X-Forwarded-For` that is not a
 * trusted proxy; the client may have forged all entries before it. If this entry is not an address, it is forged too,
 * and the result is the address of the proxy that forwarded it. `Forwarded` is ignored, because a proxy that sets
 * `X-Forwarded-For` passes the client's `Forwarded` on unchanged.
 */
export function clientAddress(request: FastifyRequest): string | undefined {
  // without trusted proxies, the request has no list of addresses
  const { ips } = request;
  if (ips === undefined) return plainAddress(request.ip);
  for (let i = ips.length - 1; i >= 0; i--) {
    const address = plainAddress(ips[i]!);
    if (address !== undefined) return address;
  }
  return undefined;
}
