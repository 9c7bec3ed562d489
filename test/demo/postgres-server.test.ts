/** The server of Postgres that the demo, benchmarks and tests start. */
import { expect, it, vi } from 'vitest';
import { startPostgres } from '../../src/demo/postgres-server.ts';
import { describeWithPostgres } from '../fixture/postgres.ts';
import { isAlive } from '../fixture/processes.ts';

describeWithPostgres('a server of Postgres', () => {
  it('can be closed after Ctrl-C has ended it with all other processes', async () => {
    const server = await startPostgres();
    process.kill(server.pid, 'SIGINT');
    await vi.waitFor(() => expect(isAlive(server.pid)).toBe(false), { timeout: 20_000 });
    await server.close();
  });
});
