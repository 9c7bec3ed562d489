/** Refuses requests while they wait too long for their turn: look-ups after all others, health checks never. */
import { MessageChannel } from 'node:worker_threads';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../../lib/clock.ts';
import { AppError } from '../../../lib/errors.ts';
import { PROBLEM_TYPE, problemOf } from '../../problems/problem.ts';
import type { RequestClass } from '../fastify-types.ts';
import type { HttpLimits } from '../limits.ts';
import { classOf } from '../request-log.ts';

type ShedderLimits = Pick<HttpLimits, 'overloadLagMs' | 'overloadLookupLagMs'>;

const LOOK_EVERY_MS = 50;
/** The timer may be late. */
const LOOK_EVERY_REQUESTS = 32;
/** So many looks on end that are late are no accident. */
const LATE_LOOKS = 3;
/** Of fewer between two looks one took long, or another process: to refuse one of them would help nobody. */
const LEAST_ARRIVALS = 8;
/** How much of what the wait asks for one look changes: all at once, and the share would swing. */
const GAIN = 0.5;
/** No look changes the share by more than these factors: some 2 s after an overload all are let in again. */
const MOST_CUT = 0.5;
const MOST_RAISE = 1.1;
/** Some are always let in, to see how it goes. */
const LEAST = 1 / 64;
/** Refusals are told of together: there may be thousands a second. */
const REPORT_MS = 10_000;
/** Of a refused body that are read in any case. */
const DROPPED_BYTES = 64 * 1024;
/** When a caller that was refused may try again. */
const RETRY_SECONDS = 2;
/** Served until the second limit: what ad servers wait for, and what shows an operator where things stand. */
const LAST: ReadonlySet<RequestClass> = new Set(['lookup', 'read']);

/** Made once: the stack of each would cost as much as a look-up. */
const REFUSAL = new AppError('unavailable', 'more requests arrive than can be answered', {
  facts: { retry_after: RETRY_SECONDS },
});

/** Its problem, cut where the id of the request stands. */
const REFUSED = (() => {
  const problem = problemOf(REFUSAL, '', 0);
  const [beforeId = '', afterId = ''] = JSON.stringify(problem).split(/(?<="request_id":")/);
  return { status: problem.status, beforeId, afterId };
})();

/** The share of some requests that is let in: as much as makes the wait equal its limit. */
class Admission {
  readonly #mostLagMs: number;
  #late = 0;
  #share = 1;
  /** Of a request that was not let in yet. */
  #due = 0;

  constructor(mostLagMs: number) {
    this.#mostLagMs = mostLagMs;
  }

  note(lagMs: number): void {
    this.#late = lagMs > this.#mostLagMs ? this.#late + 1 : 0;
    if (this.isOpen && this.#late < LATE_LOOKS) return;
    const factor = (this.#mostLagMs / lagMs) ** GAIN;
    this.#share = Math.max(LEAST, Math.min(1, this.#share * Math.max(MOST_CUT, Math.min(MOST_RAISE, factor))));
  }

  get isOpen(): boolean {
    return this.#share === 1;
  }

  /** Of a hundred calls, the share in percent says true, evenly. */
  admits(): boolean {
    this.#due = Math.min(1, this.#due) + this.#share;
    if (this.#due < 1) return false;
    this.#due -= 1;
    return true;
  }
}

/**
 * A message to ourselves waits behind all requests that have arrived before it, as the next request would: how long
 * says whether more comes in than can be answered, be it a few that take long or many that do not. Waiting long once
 * may be due to a long computation, or a collection of garbage; over and over it is not. A timer does not say it: while
 * 1,024 sockets are readable at a time, Node goes on reading for up to 48 times as many before it looks at timers: one
 * was seen 3.3 s late, with 11,247 requests in one turn of the loop.
 */
export class LoadShedder {
  readonly #clock: Pick<Clock, 'elapsed'>;
  readonly #last: Admission;
  readonly #others: Admission;
  readonly #refused = new Map<RequestClass, number>();
  readonly #onRefused: (requests: number) => void;
  #channel: MessageChannel | null = null;
  #timer: NodeJS.Timeout | null = null;
  #isSent = false;
  #sentAt = 0;
  #seenAt = 0;
  #arrived = 0;
  #isOverloaded = false;
  #untold = 0;
  #toldAt = Number.NEGATIVE_INFINITY;

  /** `onRefused` is called with the number of requests refused since it was last called, every ten seconds at most. */
  constructor(limits: ShedderLimits, clock: Pick<Clock, 'elapsed'>, onRefused: (requests: number) => void = () => {}) {
    this.#clock = clock;
    this.#onRefused = onRefused;
    this.#last = new Admission(limits.overloadLookupLagMs);
    this.#others = new Admission(limits.overloadLagMs);
  }

  /** Until `stop`, messages are sent: by the timer where few requests come, by requests where it is late. */
  start(): void {
    this.#channel = new MessageChannel();
    this.#channel.port2.on('message', () => {
      this.#isSent = false;
      this.#seenAt = this.#clock.elapsed();
      this.note(this.#seenAt - this.#sentAt);
    });
    this.#channel.port1.unref();
    this.#channel.port2.unref();
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#channel?.port1.close();
    this.#channel = null;
  }

  #look(): void {
    if (this.#isSent || this.#channel === null) return;
    const now = this.#clock.elapsed();
    if (now - this.#seenAt < LOOK_EVERY_MS / 2) return;
    this.#isSent = true;
    this.#sentAt = now;
    this.#channel.port1.postMessage(null);
  }

  /** Takes in how long a message waited. */
  note(waitedMs: number): void {
    const lagMs = this.#arrived < LEAST_ARRIVALS ? 0 : waitedMs;
    this.#arrived = 0;
    this.#last.note(lagMs);
    this.#others.note(lagMs);
    this.#isOverloaded = !(this.#last.isOpen && this.#others.isOpen);
    const now = this.#clock.elapsed();
    if (this.#untold === 0 || now - this.#toldAt < REPORT_MS) return;
    this.#onRefused(this.#untold);
    this.#untold = 0;
    this.#toldAt = now;
  }

  /** To be called for each request: whether any are refused now. */
  arrive(): boolean {
    this.#arrived += 1;
    if (this.#arrived % LOOK_EVERY_REQUESTS === 0) this.#look();
    return this.#isOverloaded;
  }

  /** Whether a request of this class is refused now. Each is asked for once. */
  refuses(name: RequestClass): boolean {
    if (!this.#isOverloaded || name === 'health') return false;
    if ((LAST.has(name) ? this.#last : this.#others).admits()) return false;
    this.#refused.set(name, (this.#refused.get(name) ?? 0) + 1);
    this.#untold += 1;
    return true;
  }

  /** Since the start, by class; a class of which none was refused is missing. */
  refusedByClass(): ReadonlyMap<RequestClass, number> {
    return this.#refused;
  }
}

/**
 * Answers a request that is refused now, and says so. By far the most requests of an overload come here: the answer is
 * the text of the problem that any other error becomes, without an error's way through Fastify, which costs more than a
 * look-up. @throws AppError unavailable, where a large body is still sent, which that way reads
 */
export function shed(shedder: LoadShedder, request: FastifyRequest, reply: FastifyReply): boolean {
  const { config } = request.routeOptions;
  if (!shedder.refuses(classOf(request.method, config))) return false;
  reply.isShed = true;
  if (config.upload === true && !hasSmallBody(request)) throw REFUSAL;
  reply.problemCode = REFUSAL.code;
  reply.code(REFUSED.status).headers({ 'content-type': PROBLEM_TYPE, 'retry-after': RETRY_SECONDS });
  // the id is letters, digits, dots, lines: nothing of it is quoted
  reply.send(`${REFUSED.beforeId}${request.id}${REFUSED.afterId}`);
  return true;
}

/** Node reads and drops the rest of a body: of a small one the connection can stay open. */
function hasSmallBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) <= DROPPED_BYTES;
}
