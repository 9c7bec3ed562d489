/** Headers that come twice, over a real connection. */
import { describe, expect, it } from 'vitest';
import { importUsers } from '../fixture.ts';
import { exchange, startServer } from '../sockets.ts';

const population = await importUsers(['u1', 'u2']);
const { port } = await startServer(population);

/** The whole answer to a request of these header lines. */
const send = (lines: readonly string[]) =>
  exchange(port, `GET /v1/limits HTTP/1.1\r\n${['Connection: close', ...lines].join('\r\n')}\r\n\r\n`);

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
