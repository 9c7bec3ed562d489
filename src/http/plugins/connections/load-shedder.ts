/**
 * Load shedding: refuses requests while the event loop is delayed. Look-ups and reads are refused last, and health
 * checks are never refused.
 */
import { MessageChannel } from 'node:worker_threads';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../../lib/clock.ts';
import { AppError } from '../../../lib/errors.ts';
import { PROBLEM_TYPE, problemOf } from '../../problems/problem.ts';
import type { RequestClass } from '../fastify-types.ts';
import type { HttpLimits } from '../limits.ts';
import { classOf } from '../request-log.ts';

type ShedderLimits = Pick<HttpLimits, 'overloadLagMs' | 'overloadLookupLagMs'>;

const PROBE_INTERVAL_MS = 50;
/** Number of requests after which a probe is sent even without the timer, which may be late. */
const PROBE_EVERY_REQUESTS = 32;
/**
 * Number of consecutive slow probes that count as overload. A single slow probe may be caused by garbage collection.
 */
const SLOW_PROBES = 3;
/**
 * Minimum number of requests between two probes for load shedding. If there were fewer requests, a single slow request
 * caused the delay, and refusing others would not help.
 */
const MINIMUM_ARRIVALS = 8;
/** Exponent of the correction after a probe. With an exponent of 1, the share of admitted requests would oscillate. */
const GAIN = 0.5;
/** Bounds of the correction after a probe. About 2 s after an overload, all requests are admitted again. */
const MAXIMUM_DECREASE = 0.5;
const MAXIMUM_INCREASE = 1.1;
/** Minimum share of requests to admit. Some requests must be admitted to show whether the overload has ended. */
const MINIMUM_SHARE = 1 / 64;
/** Milliseconds between reports of refusals, because there may be thousands of refusals per second. */
const REPORT_INTERVAL_MS = 10_000;
/** Maximum number of bytes of a refused body that are read and discarded. */
const DISCARDED_BYTES = 64 * 1024;
/** Seconds after which a refused caller may retry. */
const RETRY_SECONDS = 2;
/**
 * Route classes that are refused only beyond the second limit, because ad servers wait for their responses and
 * operators need them.
 */
const SHED_LAST: ReadonlySet<RequestClass> = new Set(['lookup', 'read']);

/** The error of every refusal. It is created once, because creating a stack trace takes as long as a look-up. */
const REFUSAL = new AppError('unavailable', 'more requests arrive than can be handled', {
  facts: { retry_after: RETRY_SECONDS },
});

/** The problem document of a refusal, split at the position of the request id. */
const REFUSED = (() => {
  const problem = problemOf(REFUSAL, '', 0);
  const [beforeId = '', afterId = ''] = JSON.stringify(problem).split(/(?<="request_id":")/);
  return { status: problem.status, beforeId, afterId };
})();

/** Controls the share of admitted requests, to keep the event loop delay at its limit. */
class AdmissionRate {
  readonly #maximumDelayMs: number;
  #slowProbes = 0;
  #share = 1;
  /** The share, added up over requests. When the sum reaches 1, a request is admitted and 1 is subtracted. */
  #credit = 0;

  constructor(maximumDelayMs: number) {
    this.#maximumDelayMs = maximumDelayMs;
  }

  note(delayMs: number): void {
    this.#slowProbes = delayMs > this.#maximumDelayMs ? this.#slowProbes + 1 : 0;
    if (this.isOpen && this.#slowProbes < SLOW_PROBES) return;
    const factor = (this.#maximumDelayMs / delayMs) ** GAIN;
    this.#share = Math.max(
      MINIMUM_SHARE,
      Math.min(1, this.#share * Math.max(MAXIMUM_DECREASE, Math.min(MAXIMUM_INCREASE, factor))),
    );
  }

  get isOpen(): boolean {
    return this.#share === 1;
  }

  /** Whether to admit a request. Returns true for `share` of the calls, evenly distributed. */
  admits(): boolean {
    this.#credit = Math.min(1, this.#credit) + this.#share;
    if (this.#credit < 1) return false;
    this.#credit -= 1;
    return true;
  }
}

/**
 * Measures the event loop delay with probes, which are messages that this process sends to itself. Like a new request,
 * a probe waits behind all requests that arrived earlier, so its delay shows an overload, whether the cause is a few
 * slow requests or many fast ones. A timer would not show the overload: before Node runs timers, it may poll for events
 * up to 48 times, and read up to 1,024 sockets each time. In a measurement, a timer was 3.3 s late, after 11,247
 * requests in one iteration.
 */
export class LoadShedder {
  readonly #clock: Pick<Clock, 'elapsed'>;
  readonly #readRate: AdmissionRate;
  readonly #otherRate: AdmissionRate;
  readonly #refused = new Map<RequestClass, number>();
  readonly #onRefused: (requests: number) => void;
  #channel: MessageChannel | null = null;
  #timer: NodeJS.Timeout | null = null;
  #isProbing = false;
  #sentAt = 0;
  #receivedAt = 0;
  #arrived = 0;
  #isOverloaded = false;
  #unreported = 0;
  #reportedAt = Number.NEGATIVE_INFINITY;

  /**
   * Creates a load shedder. Calls `onRefused` at most every ten seconds, with the number of requests refused since the
   * previous call.
   */
  constructor(limits: ShedderLimits, clock: Pick<Clock, 'elapsed'>, onRefused: (requests: number) => void = () => {}) {
    this.#clock = clock;
    this.#onRefused = onRefused;
    this.#readRate = new AdmissionRate(limits.overloadLookupLagMs);
    this.#otherRate = new AdmissionRate(limits.overloadLagMs);
  }

  /**
   * Sends probes until `stop`. A timer sends probes if few requests arrive, and requests send probes if the timer is
   * late.
   */
  start(): void {
    this.#channel = new MessageChannel();
    this.#channel.port2.on('message', () => {
      this.#isProbing = false;
      this.#receivedAt = this.#clock.elapsed();
      this.note(this.#receivedAt - this.#sentAt);
    });
    this.#channel.port1.unref();
    this.#channel.port2.unref();
    this.#timer = setInterval(() => this.#probe(), PROBE_INTERVAL_MS).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#channel?.port1.close();
    this.#channel = null;
  }

  #probe(): void {
    if (this.#isProbing || this.#channel === null) return;
    const now = this.#clock.elapsed();
    if (now - this.#receivedAt < PROBE_INTERVAL_MS / 2) return;
    this.#isProbing = true;
    this.#sentAt = now;
    this.#channel.port1.postMessage(null);
  }

  /** Adjusts the shares of admitted requests to the delay of a probe. */
  note(delayedMs: number): void {
    const delayMs = this.#arrived < MINIMUM_ARRIVALS ? 0 : delayedMs;
    this.#arrived = 0;
    this.#readRate.note(delayMs);
    this.#otherRate.note(delayMs);
    this.#isOverloaded = !(this.#readRate.isOpen && this.#otherRate.isOpen);
    const now = this.#clock.elapsed();
    if (this.#unreported === 0 || now - this.#reportedAt < REPORT_INTERVAL_MS) return;
    this.#onRefused(this.#unreported);
    this.#unreported = 0;
    this.#reportedAt = now;
  }

  /** Counts a request, and returns whether requests are being refused at present. */
  arrive(): boolean {
    this.#arrived += 1;
    if (this.#arrived % PROBE_EVERY_REQUESTS === 0) this.#probe();
    return this.#isOverloaded;
  }

  /** Whether to refuse a request. Must be called exactly once for each request. */
  refuses(name: RequestClass): boolean {
    if (!this.#isOverloaded || name === 'health') return false;
    if ((SHED_LAST.has(name) ? this.#readRate : this.#otherRate).admits()) return false;
    this.#refused.set(name, (this.#refused.get(name) ?? 0) + 1);
    this.#unreported += 1;
    return true;
  }

  /** Number of refusals since the start, by class. Classes without refusals are missing. */
  refusedByClass(): ReadonlyMap<RequestClass, number> {
    return this.#refused;
  }
}

/**
 * Returns true if the request is refused, after responding to it. During an overload, most requests end here. The
 * response is an ordinary problem document, but written directly, because error handling in Fastify costs more than a
 * look-up.
 * @throws AppError unavailable if a large body is still being sent. The error handler then reads this body.
 */
export function shed(shedder: LoadShedder, request: FastifyRequest, reply: FastifyReply): boolean {
  const { config } = request.routeOptions;
  if (!shedder.refuses(classOf(request.method, config))) return false;
  reply.isShed = true;
  if (config.upload === true && !hasSmallBody(request)) throw REFUSAL;
  reply.problemCode = REFUSAL.code;
  reply.code(REFUSED.status).headers({ 'content-type': PROBLEM_TYPE, 'retry-after': RETRY_SECONDS });
  // the request id has only letters, digits, `.`, `_` and `-`, so it needs no escaping
  reply.send(`${REFUSED.beforeId}${request.id}${REFUSED.afterId}`);
  return true;
}

/** Node reads and discards the rest of a body, so the connection can stay open if the body is small. */
function hasSmallBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) <= DISCARDED_BYTES;
}
