/**
 * Limits on streams. Slots limit how many are open. If all are taken, a new stream ends one whose client reads nothing,
 * or one of a client that holds more than its share. Turns limit how long streams occupy the event loop.
 */
import type { FastifyRequest } from 'fastify';
import { AppError } from '../../../lib/errors.ts';
import { busy } from '../../plugins/connections/slots.ts';
import type { HttpLimits } from '../../plugins/limits.ts';

type SlotLimits = Pick<HttpLimits, 'maximumOpenStreams' | 'streamYieldMs'>;

/** The slot of one stream. */
export interface StreamSlot {
  /** Ends the stream to free its slot for another; null while the stream cannot be ended. */
  end: ((error: AppError) => void) | null;
  /** Records that a chunk is waiting for the client, or that the client has read it. */
  noteChunk(isUnread: boolean): void;
  /** Frees the slot. A second call has no effect. */
  release(): void;
}

interface OpenSlot extends StreamSlot {
  /** The actor of the request, who holds the slot. */
  readonly actor: string;
  /** When the oldest unread chunk was ready; infinite if the client has read everything. */
  waitsSince: number;
}

export class StreamSlots {
  /** Streams with a slot take turns. */
  readonly turn: Turn;
  readonly #limits: SlotLimits;
  readonly #elapsed: () => number;
  readonly #onChange: (open: number) => void;
  readonly #open = new Set<OpenSlot>();

  constructor(limits: SlotLimits, elapsed: () => number, onChange: (open: number) => void) {
    this.turn = createTurns(elapsed);
    this.#limits = limits;
    this.#elapsed = elapsed;
    this.#onChange = onChange;
  }

  /** Takes a slot, which the caller must release. @throws AppError unavailable (facts: retry_after in seconds) */
  take({ caller }: Pick<FastifyRequest, 'caller'>): StreamSlot {
    const slot: OpenSlot = {
      actor: caller?.actor ?? '',
      waitsSince: Number.POSITIVE_INFINITY,
      end: null,
      noteChunk: (isUnread) => {
        slot.waitsSince = isUnread ? this.#elapsed() : Number.POSITIVE_INFINITY;
      },
      release: () => {
        if (this.#open.delete(slot)) this.#onChange(this.#open.size);
      },
    };
    if (this.#open.size >= this.#limits.maximumOpenStreams) this.#makeRoomFor(slot.actor);
    this.#open.add(slot);
    this.#onChange(this.#open.size);
    return slot;
  }

  #makeRoomFor(actor: string): void {
    const loser = this.#findLoser(actor);
    if (loser === null) throw busy(this.#open.size, 'streams are open');
    loser.release();
    loser.end?.(new AppError('request_timeout', 'the client read too slowly, and another client needed the slot'));
  }

  /** The stream to end: if possible, the one whose client has read nothing for the longest time. */
  #findLoser(actor: string): OpenSlot | null {
    const slots = [...this.#open].filter(({ end }) => end !== null).sort((a, b) => a.waitsSince - b.waitsSince);
    const [slowest] = slots;
    if (slowest && this.#elapsed() - slowest.waitsSince >= this.#limits.streamYieldMs) return slowest;
    const held = Map.groupBy(this.#open, (slot) => slot.actor);
    const share = this.#limits.maximumOpenStreams / (held.size + (held.has(actor) ? 0 : 1));
    const countOf = (who: string) => held.get(who)?.length ?? 0;
    if (countOf(actor) + 1 > share) return null;
    return slots.find((slot) => countOf(slot.actor) > share) ?? null;
  }
}

/** Milliseconds for which chunks are produced before the event loop handles other events. */
const TURN_MS = 4;

/** Waits until the stream may produce its next chunk. */
export type Turn = () => Promise<void>;

/**
 * Streams continue in order of arrival until they have used `TURN_MS` in one iteration of the event loop. If each of 64
 * streams produced a chunk in every iteration, a look-up would wait for 64 chunks.
 */
export function createTurns(now: () => number): Turn {
  const waiting: (() => void)[] = [];
  let isScheduled = false;
  const schedule = () => {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(() => {
      isScheduled = false;
      goOn(now());
    });
  };
  const goOn = (start: number) => {
    const next = waiting.shift();
    if (next === undefined) return;
    next();
    if (waiting.length === 0) return;
    // chunks are produced in microtasks, and `nextTick` callbacks run after all microtasks, so the chunk is complete by
    // then
    queueMicrotask(() => process.nextTick(() => (now() - start < TURN_MS ? goOn(start) : schedule())));
  };
  return () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      schedule();
    });
}
