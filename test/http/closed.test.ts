/** Objects of a server that remain in its process after it has closed. */
import { expect, it } from 'vitest';
import { collectGarbage } from '../fixture/garbage.ts';
import { importUsers, openFixture } from './fixture.ts';

const population = await importUsers();

/** Handles a request and closes; returns those of its parts that are still in memory. */
async function openAndClose(): Promise<Readonly<Record<string, WeakRef<object>>>> {
  const fixture = await openFixture(population);
  const { status } = await fixture.call('GET', '/v1/campaigns');
  const scraped = await fixture.call('GET', '/metrics');
  await fixture.close();
  expect([status, scraped.status]).toEqual([200, 200]);
  const { app, store, webhooks } = fixture;
  return { app: new WeakRef(app), store: new WeakRef(store), webhooks: new WeakRef(webhooks) };
}

it('keeps no closed server, nor its store and its webhooks', async () => {
  const closed = [await openAndClose(), await openAndClose(), await openAndClose()];
  await collectGarbage();
  const kept = closed.map((parts) => Object.keys(parts).filter((name) => parts[name]!.deref() !== undefined));
  expect(kept).toEqual([[], [], []]);
});

it('reports the process once in the metrics of each server', async () => {
  const servers = [await openFixture(population), await openFixture(population)];
  try {
    for (const server of servers) {
      await collectGarbage();
      const { text } = await server.call('GET', '/metrics');
      expect(text.match(/^nodejs_gc_duration_seconds_count\{kind="major"\} [1-9]\d*$/gm)).toHaveLength(1);
      expect(text.match(/^nodejs_eventloop_lag_p99_seconds \S+$/gm)).toHaveLength(1);
      expect(text.match(/^process_cpu_seconds_total \S+$/gm)).toHaveLength(1);
      expect(text).not.toMatch(/nodejs_active_\w+_total/);
    }
  } finally {
    for (const server of servers) await server.close();
  }
});
