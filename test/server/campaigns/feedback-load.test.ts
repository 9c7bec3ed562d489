/**
 * Feedback of a million users: neither its upload, nor an expansion of it, nor its removal keeps the API's thread from
 * look-ups.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { watchEventLoop } from '../../fixture/event-loop.ts';
import { IS_LONG, size } from '../../fixture/size.ts';
import { type Fixture, importUsers, OK_BODY, openFixture, type PopulationFixture } from '../fixture.ts';

/** What the thread may be held at a time. */
const MOST_MS = 50;
/**
 * Before it was done in slices, a tenth of a million held it for 130 ms an upload and 50 an expansion, a million for
 * 290 and 440.
 */
const USERS = size(100_000, 1_000_000);
const UPLOAD_EVENTS = 10_000;

let users: PopulationFixture;
let server: Fixture;
beforeAll(async () => {
  users = await importUsers();
  server = await openFixture(users.population);
});
afterAll(async () => {
  await server.close();
  users.remove();
});

/**
 * The longest time in ms that each step held the thread; of the uploads the median of theirs. Each upload commits forty
 * times on the thread, and a slow disk takes as long as it likes for some of them; work that grows with the users shows
 * in every later upload.
 */
async function measure(userIds: readonly string[]) {
  const id: string = (await server.call('POST', '/v1/campaigns', OK_BODY)).json.id;
  const path = `/v1/campaigns/${id}`;
  const watch = watchEventLoop();
  const longest = { upload: 0, expansion: 0, deletion: 0 };
  const uploads: number[] = [];
  for (let at = 0; at < userIds.length; at += UPLOAD_EVENTS) {
    const events = userIds.slice(at, at + UPLOAD_EVENTS).map((user_id, i) => {
      const event = i % 5 === 0 ? 'dismissal' : 'click';
      return { user_id, event, time: '2026-11-25T12:00:00Z' };
    });
    const [type, body] =
      at % (2 * UPLOAD_EVENTS) === 0
        ? ['application/x-ndjson', events.map((event) => JSON.stringify(event)).join('\n')]
        : ['application/json', JSON.stringify({ events })];
    await watch.longestMs();
    const { status, json } = await server.call('POST', `${path}/feedback`, body, { 'content-type': type });
    uploads.push(await watch.longestMs());
    expect([status, json.taken]).toEqual([200, events.length]);
  }
  longest.upload = uploads.sort((a, b) => a - b)[uploads.length >> 1]!;
  const expansion = await server.call('POST', `${path}/expansions`);
  longest.expansion = await watch.longestMs();
  const dismissed = Math.ceil(userIds.length / 5);
  expect([expansion.status, expansion.json.feedback]).toEqual([
    202,
    { positives: userIds.length - dismissed, dismissed },
  ]);
  const deleted = await server.call('DELETE', path);
  longest.deletion = await watch.longestMs();
  expect(deleted.status).toBe(204);
  watch.end();
  return longest;
}

const skipped = IS_LONG ? '' : '; SKIPPED without CI_LONG=1: a million';

describe('feedback', () => {
  // again where it fails: a disk that is busy with other work may hold one write for as long
  it(`of ${USERS} users holds the thread for at most ${MOST_MS} ms${skipped}`, {
    timeout: 300_000,
    retry: 2,
  }, async () => {
    await measure(['a', 'b']); // what is compiled and read at the first call is not of feedback
    const longest = await measure(Array.from({ length: USERS }, (_, i) => `user-${(i * 7919) % USERS}`));
    expect(Math.max(...Object.values(longest)), JSON.stringify(longest)).toBeLessThan(MOST_MS);
  });
});
