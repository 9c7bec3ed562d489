/** Headers that come twice, over a real connection. */
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Fixture, importUsers, openFixture, type PopulationFixture } from '../fixture.ts';

let users: PopulationFixture;
let fixture: Fixture;
let port: number;
beforeAll(async () => {
  users = await importUsers(['u1', 'u2']);
  fixture = await openFixture(users.population);
  port = Number(new URL(await fixture.app.listen({ host: '127.0.0.1', port: 0 })).port);
});
afterAll(async () => {
  await fixture.close();
  users.remove();
});

/** The whole answer to a request of these header lines. */
function send(lines: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => {
      text += String(chunk);
    });
    socket.on('error', reject).on('close', () => resolve(text));
    socket.end(`GET /v1/limits HTTP/1.1\r\n${['Connection: close', ...lines].join('\r\n')}\r\n\r\n`);
  });
}

describe('a request with a header twice', () => {
  it.each([
    ['host', ['Host: localhost', 'Host: 127.0.0.1']],
    ['host', ['Host: localhost', 'hOST: localhost']],
    ['authorization', ['Host: localhost', 'Authorization: Bearer a', 'authorization: Bearer b']],
    ['content-type', ['Host: localhost', 'Content-Type: text/csv', 'Content-Type: application/json']],
    ['idempotency-key', ['Host: localhost', 'Idempotency-Key: a', 'Idempotency-Key: b']],
  ])('is refused: %s', async (name, lines) => {
    const answer = await send(lines);
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    const problem = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')));
    expect(problem).toMatchObject({ code: 'invalid_request', errors: [{ pointer: name }] });
  });

  it('is served where a list in one header would do', async () => {
    expect(await send(['Host: localhost', 'Accept: text/csv', 'Accept: application/json'])).toMatch(/^HTTP\/1.1 200 /);
  });
});
