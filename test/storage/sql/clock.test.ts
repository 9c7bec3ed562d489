/** The clock memory of a cluster: all nodes have the database's time, and corrections count once. */
import { expect, it } from 'vitest';
import { findBootId } from '../../../src/lib/clock.ts';
import { ServiceClock } from '../../../src/lib/service-clock.ts';
import { StoredClock } from '../../../src/storage/sql/clock.ts';
import { describeWithPostgres } from '../../fixture/postgres.ts';
import { newNodes } from './nodes.ts';

const HOUR_MS = 3_600_000;
const SETTLE_MS = 600_000;

async function openClocks(count: number) {
  const { open, clock } = await newNodes();
  const join = async () => {
    const { connection, apiKeys } = await open();
    const memory = await StoredClock.open({ ...connection, apiKeys, isShared: true });
    const service = new ServiceClock({ system: clock, boot: findBootId(), settleMs: SETTLE_MS });
    service.attach(memory);
    return { connection, memory, service };
  };
  const nodes = [];
  for (let i = 0; i < count; i++) nodes.push(await join());
  return { clock, nodes, join };
}

describeWithPostgres('the clock memory of a cluster', () => {
  it('lets every node trust the time at once, and a node that starts later too', async () => {
    const { clock, nodes, join } = await openClocks(2);
    for (const { service, memory } of nodes) {
      service.look();
      await memory.close();
      expect([service.isSettled, service.now()]).toEqual([true, clock.now()]);
    }
    clock.pass(60_000);
    const { service } = await join();
    expect([service.isSettled, service.now()]).toEqual([true, clock.now()]);
  });

  it('records a correction that all nodes notice once, and shows it to all', async () => {
    const { clock, nodes } = await openClocks(2);
    for (const { service } of nodes) service.look();
    clock.jump(48 * HOUR_MS);
    for (const { service } of nodes) service.look();
    expect(nodes.map(({ service }) => service.before(1_000))).toEqual([null, null]);
    clock.pass(SETTLE_MS);
    for (const { service, memory } of nodes) {
      service.look();
      await memory.close();
    }
    const { database } = nodes[0]!.connection;
    expect(await database.all('SELECT ms FROM clock_steps')).toEqual([{ ms: 48 * HOUR_MS }]);
    for (const { service } of nodes) {
      expect([service.isSettled, service.now()]).toEqual([true, clock.now()]);
      // what was made before the correction is not older by it
      expect(service.before(HOUR_MS)).toBe(clock.now() - 49 * HOUR_MS);
    }
    await nodes[1]!.memory.close();
    expect(nodes[1]!.memory.steps()).toHaveLength(1);
  });

  it('leaves waiting times as they are, because they are times of the database', async () => {
    const { clock, nodes } = await openClocks(1);
    const { connection, memory, service } = nodes[0]!;
    await connection.database.run('INSERT INTO idempotency_keys VALUES (@key, @key, @key, @key, 5)', { key: 'k' });
    clock.jump(2_000);
    service.look();
    await memory.close();
    expect(service.now()).toBe(clock.now());
    expect(await connection.database.all('SELECT created_at AS at FROM idempotency_keys')).toEqual([{ at: 5 }]);
  });

  it('does not let a node trust a time that is far from the last stored time', async () => {
    const { clock, nodes, join } = await openClocks(1);
    nodes[0]!.service.look();
    await nodes[0]!.memory.close();
    clock.jump(1_000 * HOUR_MS);
    const { service, memory } = await join();
    expect([service.isSettled, service.before(HOUR_MS)]).toEqual([false, null]);
    clock.pass(SETTLE_MS);
    service.look();
    await memory.close();
    expect(service.isSettled).toBe(true);
  });

  it('reports a write that failed at the next one', async () => {
    const { nodes } = await openClocks(1);
    const { connection, memory } = nodes[0]!;
    await memory.close();
    await connection.database.run('DROP TABLE clock_used');
    const time = { now: 1, elapsed: 1, boot: null };
    memory.remember(time, true);
    await memory.close();
    expect(() => memory.remember(time, true)).toThrow('clock_used');
    await memory.close();
  });
});
