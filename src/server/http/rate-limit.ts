/** How many requests a key, and an address, may send: counted in windows of one length, in memory. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../lib/clock.ts';
import { AppError } from '../../lib/errors.ts';
import { clientAddress, clientNetwork } from './client-address.ts';
import type { HttpLimits } from './limits.ts';

type RateLimits = Pick<
  HttpLimits,
  'requestsPerKey' | 'requestsPerAddress' | 'rateLimitWindowMs' | 'maximumRateLimitClients'
>;

/** Clients beyond those that are counted apart. */
const OTHERS = '';

/** Never counted: whoever watches the service must not be refused because of what others send. */
const UNCOUNTED: ReadonlySet<string | undefined> = new Set(['/livez', '/readyz', '/metrics']);

/**
 * Counts requests of one kind of client. All windows begin and end together, so that memory is given back with one call
 * and a request costs one look-up; twice the limit may so come in at a window's edge.
 */
class RateCounter {
  readonly #most: number;
  readonly #windowMs: number;
  readonly #maximumClients: number;
  readonly #clock: Pick<Clock, 'elapsed'>;
  readonly #counts = new Map<string, number>();
  #endsAt = 0;

  constructor(most: number, limits: RateLimits, clock: Pick<Clock, 'elapsed'>) {
    this.#most = most;
    this.#windowMs = limits.rateLimitWindowMs;
    this.#maximumClients = limits.maximumRateLimitClients;
    this.#clock = clock;
  }

  /** Counts one, and tells the client how it stands (`RateLimit-*`). @throws AppError rate_limited */
  count(client: string, reply: Pick<FastifyReply, 'header' | 'getHeader'>): void {
    const now = this.#clock.elapsed();
    if (now >= this.#endsAt) {
      this.#counts.clear();
      this.#endsAt = now + this.#windowMs;
    }
    const name = this.#counts.has(client) || this.#counts.size < this.#maximumClients ? client : OTHERS;
    const count = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, count);
    const left = Math.max(0, this.#most - count);
    const seconds = Math.ceil((this.#endsAt - now) / 1000);
    // of two limits the one that is closer is told
    if (left <= Number(reply.getHeader('ratelimit-remaining') ?? Number.POSITIVE_INFINITY))
      reply
        .header('ratelimit-limit', this.#most)
        .header('ratelimit-remaining', left)
        .header('ratelimit-reset', seconds);
    if (count <= this.#most) return;
    throw new AppError('rate_limited', `more than ${this.#most} requests in ${this.#windowMs} ms`, {
      facts: { retry_after: seconds },
    });
  }
}

/** Each does nothing where its limit is 0. */
export interface RateLimiter {
  /** Before the key is checked, so that guesses are counted. @throws AppError rate_limited */
  countAddress(request: FastifyRequest, reply: FastifyReply): void;

  /** After it was found right: only keys that exist are in memory. @throws AppError rate_limited */
  countKey(authorization: string | undefined, reply: FastifyReply): void;
}

export function createRateLimiter(limits: RateLimits, clock: Pick<Clock, 'elapsed'>): RateLimiter {
  const counterOf = (most: number) => (most === 0 ? null : new RateCounter(most, limits, clock));
  const addresses = counterOf(limits.requestsPerAddress);
  const keys = counterOf(limits.requestsPerKey);
  return {
    countAddress(request, reply) {
      if (addresses === null || UNCOUNTED.has(request.raw.url)) return;
      const address = clientAddress(request);
      addresses.count(address === undefined ? OTHERS : clientNetwork(address), reply);
    },
    countKey(authorization, reply) {
      keys?.count(authorization ?? OTHERS, reply);
    },
  };
}
