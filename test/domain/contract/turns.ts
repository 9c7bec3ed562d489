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
  create(seeds: number): Promise<string>;
}

export function describeTurns(newData: NewData): void {
  const openQueue = async (): Promise<Queue> => {
    const data = newData();
    const store = await data.open();
    const idsOf = (count: number) => Array.from({ length: count }, (_, i) => `u${i}`);
    const create = async (seeds: number) =>
      (await store.create(newCampaign({ seeds: idsOf(seeds) }), everyoneIsKnown)).id;
    return { store, clock: data.clock, create };
  };

  describe('the queue', () => {
    it('leases the jobs in the order of their turns', async () => {
      const { store, clock, create } = await openQueue();
      const large = await create(600);
      clock.pass(1000);
      const small = await create(10);
      expect([await store.claim(OWNER), await store.claim(OWNER)].map((job) => job?.campaignId)).toEqual([
        small,
        large,
      ]);
    });

    describe('the remaining time', () => {
      const left = async ({ store }: Queue, id: string) =>
        (await store.expansion(id, (await store.get(id)).expansionId!)).remainingMs;
      const computedWith = { device: 'cpu', threads: 2, batchSize: 1024 };

      /**
       * Expansions of 10 seeds have taken .5 s of a thread, those of 600 seeds 2 s, and each .2 s more in two halves.
       */
      async function newQueue(): Promise<Queue> {
        const queue = await openQueue();
        for (const [seeds, adapting] of [
          [10, 0.5],
          [600, 2],
        ] as const) {
          await queue.create(seeds);
          const threadSeconds = { adapting, reporting: 0, scoring: 0.2 };
          const more = { segments: 2, threadSeconds };
          await expand(queue.store, (await queue.store.claim(OWNER))!, { computedWith: { ...computedWith, ...more } });
        }
        return queue;
      }

      it('is unknown until an expansion has ended', async () => {
        const queue = await openQueue();
        expect(await left(queue, await queue.create(10))).toBeNull();
      });

      it('is that of expansions with a similar number of seeds', async () => {
        const queue = await newQueue();
        expect(await left(queue, await queue.create(600))).toBeCloseTo(2100, -1);
        expect((await queue.store.list({ limit: 1 })).items[0]!.remainingMs).toBeCloseTo(2100, -1);
      });

      it('counts concurrent expansions: the threads adapt all before they score', async () => {
        const queue = await newQueue();
        const large = [await queue.create(600), await queue.create(600)];
        const small = await queue.create(10);
        // the small one goes first; after 2 s a thread is free to score it and one of the large ones, .2 s each
        expect(await Promise.all([small, ...large].map(async (id) => Math.round((await left(queue, id))!)))).toEqual([
          2400, 2400, 2600,
        ]);
      });

      it('falls with the progress of running expansions', async () => {
        const queue = await newQueue();
        const ids = [await queue.create(600), await queue.create(600)];
        const jobs = [(await queue.store.claim(OWNER))!, (await queue.store.claim(OWNER))!];
        for (const job of jobs) await queue.store.advance(job, { state: 'adapting', progress: (0.98 * 1.5) / 2.2 });
        for (const id of ids) expect(await left(queue, id)).toBeCloseTo(500 + 200, -1);
        for (const job of jobs) await queue.store.advance(job, { state: 'scoring', progress: (0.98 * 2.1) / 2.2 });
        for (const id of ids) expect(await left(queue, id)).toBeCloseTo(100, -1);
      });

      it('uses the times of stages for expansions by earlier versions', async () => {
        const queue = await openQueue();
        await queue.create(10);
        const timings = { queued: 60, adapting: 1.5, scoring: 0.5 };
        await expand(queue.store, (await queue.store.claim(OWNER))!, { timings, computedWith });
        expect(await left(queue, await queue.create(10))).toBe(2000);
      });

      it('uses the mean for a job far behind those that are simulated', async () => {
        const queue = await newQueue();
        const ids = [] as string[];
        for (let i = 0; i < 220; i++) ids.push(await queue.create(10));
        expect(await left(queue, ids.at(-1)!)).toBeCloseTo((220 * 700) / 2, -4);
        const [nearer, farther] = [await left(queue, ids[209]!), await left(queue, ids[215]!)];
        expect(farther! - nearer!).toBeCloseTo((6 * 700) / 2, -2);
      });
    });
  });
}
