/** Expansions that nobody wants any more, and what excluded users become: with a real engine. */

import { describe, expect, it } from 'vitest';
import { openRanking } from '../../src/audience/ranking.ts';
import { isEnd } from '../../src/domain/states.ts';
import { openPopulation } from '../../src/population/read.ts';
import { HAS_PROC } from '../fixture/processes.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';
import { codesOf } from '../population/support.ts';
import { freezeAt, type Rig, startRig } from './rig.ts';

const world = await tinyWorld();
const campaign = world.campaigns[0]!;

const untilNoFile = (rig: Rig, id: string) =>
  expect.poll(() => rig.entriesOf(id), { interval: 20, timeout: 10_000 }).toEqual([]);

describe('an expansion', () => {
  it.skipIf(!HAS_PROC).each(['adapting', 'scoring'] as const)(
    'that is cancelled while %s leaves no file, and the engine goes on',
    async (stage) => {
      const rig = await startRig({ ...world, population: world.wide, threads: 1 });
      const id = await freezeAt(rig, stage, campaign);
      const { expansionId } = await rig.store.get(id);
      expect((await rig.store.cancel(id, expansionId!)).state).toBe('cancelled');
      process.kill(rig.engine(), 'SIGCONT');
      const next = await rig.create(world.campaigns[1]!);
      expect((await rig.ended(next)).state).toBe('ready');
      await untilNoFile(rig, id);
      expect(await rig.store.get(id)).toMatchObject({ state: 'cancelled', audienceVersion: null });
      expect(rig.entriesOf(next)).toHaveLength(1);
    },
  );

  it.skipIf(!HAS_PROC)('that is deleted or superseded while it runs leaves nothing but the next version', async () => {
    const rig = await startRig({ ...world, population: world.wide, threads: 1 });
    const deleted = await freezeAt(rig, 'adapting', campaign);
    await rig.store.delete(deleted);
    process.kill(rig.engine(), 'SIGCONT');
    const id = await freezeAt(rig, 'adapting', campaign);
    const { expansionId: first } = await rig.store.get(id);
    const second = await rig.store.expand(id);
    process.kill(rig.engine(), 'SIGCONT');
    expect(await rig.ended(id)).toMatchObject({ expansionId: second.id, state: 'ready', audienceVersion: 1 });
    expect((await rig.store.expansion(id, first!)).state).toBe('superseded');
    await untilNoFile(rig, deleted);
    expect(rig.entriesOf(id)).toEqual([second.id]);
  });

  it('ranks no seed, nobody suppressed and nobody whom a filter leaves out, and counts them', async () => {
    const rig = await startRig({ ...world, threads: 1 });
    const population = openPopulation(world.population);
    const [feature] = population.features;
    const token = population.dictionary(feature!.name).token(1);
    const id = await rig.create(campaign);
    await rig.ended(id);
    await rig.store.update(id, { filters: { [feature!.name]: [token] } });
    const suppressed = [...campaign.seeds.slice(0, 3), ...world.userIds.slice(0, 100)];
    const common = world.userIds.slice(50, 150);
    const match = { version: population.version, has: (user: string) => population.directory.find(user) >= 0 };
    for (const [owner, users] of [
      [{ kind: 'suppression', campaignId: id }, suppressed],
      [{ kind: 'common_suppression' }, common],
    ] as const) {
      const collected = rig.store.userSets.collect();
      for (const user of users) collected.add(user);
      await rig.store.userSets.change(owner, 'replace', collected, match, 1000);
      collected.close();
    }
    const dismissed = world.userIds.slice(300, 310).filter((user) => !campaign.seeds.includes(user));
    await rig.store.addFeedback(
      id,
      dismissed.map((userId) => ({ userId, event: 'dismissal' as const, happenedAt: 1 })),
    );
    const { id: expansionId } = await rig.store.expand(id);
    rig.supervisor.wake();
    await expect
      .poll(async () => isEnd((await rig.store.get(id)).state!), { interval: 20, timeout: 30_000 })
      .toBe(true);
    const { state, excluded } = await rig.store.expansion(id, expansionId);
    const audience = await rig.store.activeAudience(id);
    expect([state, audience.version]).toEqual(['ready', 2]);
    const out = new Set([...suppressed, ...common]);
    expect(excluded!.suppressed).toBe(out.size);
    expect(excluded!.seeds + excluded!.suppressed + excluded!.filtered + audience.candidates).toBe(population.rowCount);
    expect(excluded!.filtered).toBeGreaterThan(0);
    const ranking = await openRanking(rig.store.blobs, audience.folder);
    const { userNumbers } = ranking.read(0, audience.candidates);
    ranking.close();
    for (const seed of campaign.seeds) out.add(seed);
    const rows = population.readRows(Int32Array.from(userNumbers, (number) => population.rowOf[number]!));
    const column = rows.columns.get(feature!.name)!;
    for (const [i, number] of userNumbers.entries()) {
      expect(out.has(population.directory.id(number))).toBe(false);
      expect(codesOf(column, i)).toContain(1);
    }
  });
});
