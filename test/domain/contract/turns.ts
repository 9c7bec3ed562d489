/**
 * The order of the queue: random histories of arrivals and of workers that take as long as there are seeds. No expansion
 * starves, each waits for a bounded amount of work, and small ones do not wait for large ones that nobody began.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CampaignStore } from '../../../src/domain/ports/store.ts';
import { MOST_PATIENCE_MS, turnOf } from '../../../src/domain/turns.ts';
import type { Cause, Job } from '../../../src/domain/types.ts';
import { size } from '../../fixture/size.ts';
import { everyoneIsKnown, expand, type ManualClock, newCampaign, PINS } from './inputs.ts';
import type { NewData } from './new-data.ts';

const OWNER = '1:a';
const NEVER_MS = 1e12;
/** As long as an expansion takes on two cores, about. */
const serviceMs = (seeds: number) => 1000 + 10 * seeds;

interface Arrival {
  readonly afterMs: number;
  /** `population`: another version is served, and all that is ready is expanded again. */
  readonly what: 'small' | 'large' | 'population';
}

const arrival: fc.Arbitrary<Arrival> = fc.record({
  afterMs: fc.oneof(fc.constant(0), fc.nat(5_000), fc.nat(MOST_PATIENCE_MS)),
  what: fc.constantFrom('small', 'small', 'large', 'large', 'population'),
});

/** An expansion, from the moment it is queued. */
interface Queued {
  readonly campaignId: string;
  readonly seeds: number;
  readonly cause: Cause;
  readonly queuedAt: number;
  readonly turn: number;
  claimedAt: number;
}

class Queue {
  readonly store: CampaignStore;
  readonly clock: ManualClock;
  readonly queued = new Map<string, Queued>();
  /** When each worker is done, and with what. */
  readonly workers: ({ readonly until: number; readonly job: Job } | null)[];
  populations = 1;

  constructor(newData: NewData, workers: number) {
    const data = newData({ leaseMs: NEVER_MS });
    this.clock = data.clock;
    this.store = data.open();
    this.workers = Array(workers).fill(null);
  }

  create(seeds: number): string {
    const ids = Array.from({ length: seeds }, (_, i) => `u${i}`);
    const refresh = { everyMs: null, onNewPopulation: true, onChange: false };
    const { id, expansionId } = this.store.create(newCampaign({ seeds: ids, refresh }), everyoneIsKnown);
    this.note(id, expansionId!, 'created', seeds);
    return id;
  }

  async refreshAll(): Promise<void> {
    this.populations += 1;
    await this.store.expandDue(`population-${this.populations}`);
    for (const { id, expansionId, state, seeds } of this.store.list({ limit: 1000 }).items)
      if (state === 'queued' && !this.queued.has(expansionId!)) this.note(id, expansionId!, 'population', seeds.known);
  }

  note(campaignId: string, expansionId: string, cause: Cause, seeds: number): void {
    const queuedAt = this.clock.now();
    const turn = turnOf({ queuedAt, cause, seeds });
    this.queued.set(expansionId, { campaignId, seeds, cause, queuedAt, turn, claimedAt: Number.POSITIVE_INFINITY });
  }

  /** Lets time pass, with workers that take the next as soon as they are done. */
  passUntil(time: number): void {
    for (;;) {
      this.claimAll();
      const next = Math.min(...this.workers.map((worker) => worker?.until ?? Number.POSITIVE_INFINITY));
      if (next > time || next === Number.POSITIVE_INFINITY) break;
      this.clock.pass(next - this.clock.now());
      this.workers.forEach((worker, i) => {
        if (worker?.until !== next) return;
        expect(expandOn(this.store, worker.job, `population-${this.populations}`)).toBe(true);
        this.workers[i] = null;
      });
    }
    if (Number.isFinite(time)) this.clock.pass(time - this.clock.now());
  }

  claimAll(): void {
    this.workers.forEach((worker, i) => {
      const job = worker === null ? this.store.claim(OWNER) : null;
      if (job === null) return;
      const claimed = this.queued.get(job.expansionId)!;
      claimed.claimedAt = this.clock.now();
      this.workers[i] = { until: this.clock.now() + serviceMs(claimed.seeds), job };
    });
  }

  /** Nobody waits longer than what was queued before its turn takes all workers together. */
  check(): void {
    const all = [...this.queued.values()];
    for (const one of all) {
      expect(one.claimedAt).toBeLessThan(Number.POSITIVE_INFINITY);
      const before = all.filter((other) => other !== one && other.queuedAt <= one.turn);
      const work = before.reduce((sum, { seeds }) => sum + serviceMs(seeds), 0);
      expect(one.claimedAt - one.queuedAt).toBeLessThanOrEqual(work / this.workers.length);
      for (const other of all) {
        const isWaiting = one.queuedAt <= other.claimedAt && other.claimedAt < one.claimedAt;
        if (isWaiting) expect(other.queuedAt - one.queuedAt).toBeLessThanOrEqual(MOST_PATIENCE_MS);
      }
    }
  }
}

/** From its claim to its finish, on the population that is served. */
function expandOn(store: CampaignStore, job: Job, populationVersion: string): boolean {
  store.pin(job, { ...PINS, populationVersion });
  return expand(store, job);
}

export function describeTurns(newData: NewData): void {
  describe('the queue', () => {
    it('lets nobody starve, whatever comes, and bounds what each waits for', async () => {
      const history = fc.array(arrival, { minLength: 1, maxLength: 25, size: 'max' });
      await fc.assert(
        fc.asyncProperty(history, fc.constantFrom(1, 2, 3), async (arrivals, workers) => {
          const queue = new Queue(newData, workers);
          try {
            for (const { afterMs, what } of arrivals) {
              queue.passUntil(queue.clock.now() + afterMs);
              if (what === 'population') await queue.refreshAll();
              else queue.create(what === 'small' ? 10 : 600);
            }
            queue.passUntil(Number.POSITIVE_INFINITY);
            queue.check();
          } finally {
            queue.store.close();
          }
        }),
        { numRuns: size(4, 35), interruptAfterTimeLimit: 40_000 },
      );
    });

    it('takes a small campaign before large ones that were queued first', () => {
      const queue = new Queue(newData, 1);
      for (let i = 0; i < 5; i++) queue.create(600);
      queue.clock.pass(1000);
      const small = queue.create(10);
      expect(queue.store.claim(OWNER)?.campaignId).toBe(small);
    });

    it('takes the large one once it has waited for its patience', () => {
      const queue = new Queue(newData, 1);
      const large = queue.create(600);
      queue.clock.pass(59_001);
      queue.create(10);
      expect(queue.store.claim(OWNER)?.campaignId).toBe(large);
    });

    it('takes a new campaign before all that a new population has expanded again, for half an hour', async () => {
      const queue = new Queue(newData, 2);
      const old = [queue.create(10), queue.create(10), queue.create(10)];
      queue.passUntil(queue.clock.now() + 10_000);
      await queue.refreshAll();
      queue.clock.pass(1_799_999);
      const fresh = queue.create(10);
      const asked = await queue.store.expand(old[2]!);
      queue.clock.pass(1);
      queue.create(10);
      const order = Array.from({ length: 5 }, () => queue.store.claim(OWNER)!);
      expect(order.map(({ campaignId }) => campaignId).slice(0, 4)).toEqual([fresh, old[2], old[0], old[1]]);
      expect(order[1]!.expansionId).toBe(asked.id);
    });

    describe('the time left', () => {
      const left = ({ store }: Queue, id: string) => store.expansion(id, store.get(id).expansionId!).remainingMs;
      const computedWith = { device: 'cpu', threads: 2, batchSize: 1024 };

      /** Expansions of 10 seeds have taken .5 s of a thread, those of 600 seeds 2 s, and each .2 s more in two halves. */
      function newQueue(): Queue {
        const queue = new Queue(newData, 1);
        for (const [seeds, adapting] of [
          [10, 0.5],
          [600, 2],
        ] as const) {
          queue.create(seeds);
          const threadSeconds = { adapting, reporting: 0, scoring: 0.2 };
          const more = { segments: 2, threadSeconds };
          expand(queue.store, queue.store.claim(OWNER)!, { computedWith: { ...computedWith, ...more } });
        }
        return queue;
      }

      it('is unknown until an expansion has ended', () => {
        const queue = new Queue(newData, 1);
        expect(left(queue, queue.create(10))).toBeNull();
      });

      it('is that of expansions with as many seeds', () => {
        const queue = newQueue();
        expect(left(queue, queue.create(600))).toBeCloseTo(2100, -1);
        expect(queue.store.list({ limit: 1 }).items[0]!.remainingMs).toBeCloseTo(2100, -1);
      });

      it('counts what runs beside it: the threads adapt all before they score', () => {
        const queue = newQueue();
        const large = [queue.create(600), queue.create(600)];
        const small = queue.create(10);
        // the small one goes first; after 2 s a thread is free to score it and one of the large ones, .2 s each
        expect([small, ...large].map((id) => Math.round(left(queue, id)!))).toEqual([2400, 2400, 2600]);
      });

      it('falls with the progress of what runs', () => {
        const queue = newQueue();
        const ids = [queue.create(600), queue.create(600)];
        const jobs = [queue.store.claim(OWNER)!, queue.store.claim(OWNER)!];
        for (const job of jobs) queue.store.advance(job, { state: 'adapting', progress: (0.98 * 1.5) / 2.2 });
        for (const id of ids) expect(left(queue, id)).toBeCloseTo(500 + 200, -1);
        for (const job of jobs) queue.store.advance(job, { state: 'scoring', progress: (0.98 * 2.1) / 2.2 });
        for (const id of ids) expect(left(queue, id)).toBeCloseTo(100, -1);
      });

      it('takes what stages took for the time of expansions that earlier versions made', () => {
        const queue = new Queue(newData, 1);
        queue.create(10);
        const timings = { queued: 60, adapting: 1.5, scoring: 0.5 };
        expand(queue.store, queue.store.claim(OWNER)!, { timings, computedWith });
        expect(left(queue, queue.create(10))).toBe(2000);
      });

      it('of one far behind the jobs that are read one by one is by their mean', () => {
        const queue = newQueue();
        const ids = Array.from({ length: 220 }, () => queue.create(10));
        expect(left(queue, ids.at(-1)!)).toBeCloseTo((220 * 700) / 2, -4);
        const [nearer, farther] = [ids[209]!, ids[215]!].map((id) => left(queue, id)!);
        expect(farther! - nearer!).toBeCloseTo((6 * 700) / 2, -2);
      });
    });
  });
}
