/** The client of commands: a busy service is asked again, a refusal is not. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ServiceClient } from '../../src/cli/commands/model/service-client.ts';

let server: Server;
afterEach(() => void server.close());

/** A service that gives these answers, the last one again and again. */
async function open(answers: readonly (readonly [status: number, retryAfter?: string])[]) {
  const requests: IncomingMessage[] = [];
  server = createServer((request, response) => {
    const [status, retryAfter] = answers[Math.min(requests.length, answers.length - 1)]!;
    requests.push(request);
    response.writeHead(status, retryAfter === undefined ? {} : { 'retry-after': retryAfter });
    response.end(JSON.stringify(status === 200 ? { ok: true } : { code: 'unavailable', detail: 'busy' }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const waits: number[] = [];
  const notes: string[] = [];
  const client = new ServiceClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 'key', {
    note: (text) => void notes.push(text),
    wait: async (ms) => void waits.push(ms),
  });
  return { client, requests, waits, notes };
}

describe('a call', () => {
  it('is sent again after a 503, when the service says, with one idempotency key', async () => {
    const { client, requests, waits, notes } = await open([[503, '5'], [503], [429, '2'], [200]]);
    expect(await client.call('POST', '/v1/models/x/activate')).toEqual({ ok: true });
    expect(waits).toEqual([5_000, 1_000, 2_000]);
    expect(notes[0]).toBe('the service is busy (503): retrying in 5 s');
    const keys = new Set(requests.map(({ headers }) => headers['idempotency-key']));
    expect([requests.length, keys.size, [...keys][0]?.length]).toEqual([4, 1, 36]);
  });

  it('gives up after six tries, or a minute', async () => {
    const { client, requests } = await open([[503, '1']]);
    await expect(client.call('GET', '/v1/models')).rejects.toThrow('the service refused (503): unavailable: busy');
    expect(requests).toHaveLength(6);
    server.close();
    const patient = await open([[503, '25']]);
    await expect(patient.client.call('GET', '/v1/models')).rejects.toThrow('503');
    expect(patient.waits).toEqual([25_000, 25_000]);
  });

  it('is sent once where it is refused', async () => {
    for (const status of [400, 401, 409, 500]) {
      const { client, requests } = await open([[status, '1']]);
      await expect(client.call('POST', '/v1/models/x/activate')).rejects.toThrow(String(status));
      expect(requests).toHaveLength(1);
      server.close();
    }
  });
});
