/** The order in which jobs are claimed, and the remaining time of each. */
import { describe, expect, it } from 'vitest';
import type { CampaignStore } from '../../../src/domain/ports/store.ts';
import { everyoneIsKnown, expand, type ManualClock, newCampaign } from './inputs.ts';
import type { NewData } from './new-data.ts';

const OWNER = '1:a';

interface Queue {
  readonly store: CampaignStore;
  readonly clock: ManualClock;
  /** Returns the id of a new campaign with this number of seeds. */
  create(seeds: number): string;
}

export function describeTurns(newData: NewData): void {
  const openQueue = (): Queue => {
    const data = newData();
    const store = data.open();
    const idsOf = (count: number) => Array.from({ length: count }, (_, i) => `u${i}`);
    const create = (seeds: number) => store.create(newCampaign({ seeds: idsOf(seeds) }), everyoneIsKnown).id;
    return { store, clock: data.clock, create };
  };

  describe('the queue', () => {
    it('leases the jobs in the order of their turns', () => {
      const { store, clock, create } = openQueue();
      const large = create(600);
      clock.pass(1000);
      const small = create(10);
      expect([store.claim(OWNER), store.claim(OWNER)].map((job) => job?.campaignId)).toEqual([small, large]);
    });

    describe('the remaining time', () => {
      const left = ({ store }: Queue, id: string) => store.expansion(id, store.get(id).expansionId!).remainingMs;
      const computedWith = { device: 'cpu', threads: 2, batchSize: 1024 };

      /** Expansions of 10 seeds have taken .5 s of a thread, those of 600 seeds 2 s, and each .2 s more in two halves. */
      function newQueue(): Queue {
        const queue = openQueue();
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
        const queue = openQueue();
        expect(left(queue, queue.create(10))).toBeNull();
      });

      it('is that of expansions with a similar number of seeds', () => {
        const queue = newQueue();
        expect(left(queue, queue.create(600))).toBeCloseTo(2100, -1);
        expect(queue.store.list({ limit: 1 }).items[0]!.remainingMs).toBeCloseTo(2100, -1);
      });

      it('counts concurrent expansions: the threads adapt all before they score', () => {
        const queue = newQueue();
        const large = [queue.create(600), queue.create(600)];
        const small = queue.create(10);
        // the small one goes first; after 2 s a thread is free to score it and one of the large ones, .2 s each
        expect([small, ...large].map((id) => Math.round(left(queue, id)!))).toEqual([2400, 2400, 2600]);
      });

      it('falls with the progress of running expansions', () => {
        const queue = newQueue();
        const ids = [queue.create(600), queue.create(600)];
        const jobs = [queue.store.claim(OWNER)!, queue.store.claim(OWNER)!];
        for (const job of jobs) queue.store.advance(job, { state: 'adapting', progress: (0.98 * 1.5) / 2.2 });
        for (const id of ids) expect(left(queue, id)).toBeCloseTo(500 + 200, -1);
        for (const job of jobs) queue.store.advance(job, { state: 'scoring', progress: (0.98 * 2.1) / 2.2 });
        for (const id of ids) expect(left(queue, id)).toBeCloseTo(100, -1);
      });

      it('uses the times of stages for expansions by earlier versions', () => {
        const queue = openQueue();
        queue.create(10);
        const timings = { queued: 60, adapting: 1.5, scoring: 0.5 };
        expand(queue.store, queue.store.claim(OWNER)!, { timings, computedWith });
        expect(left(queue, queue.create(10))).toBe(2000);
      });

      it('uses the mean for a job far behind those that are simulated', () => {
        const queue = newQueue();
        const ids = Array.from({ length: 220 }, () => queue.create(10));
        expect(left(queue, ids.at(-1)!)).toBeCloseTo((220 * 700) / 2, -4);
        const [nearer, farther] = [ids[209]!, ids[215]!].map((id) => left(queue, id)!);
        expect(farther! - nearer!).toBeCloseTo((6 * 700) / 2, -2);
      });
    });
  });
}
