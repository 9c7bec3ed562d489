// Open-loop load: requests are due at a fixed rate, whatever the answers. `node open-load.mjs` reads its task as a line
// of JSON from stdin and prints the result as one. Each due request becomes one of: `good` (2xx before its deadline),
// `late`, `refused` (503 with Retry-After), `failed` (any other status), `unsent` (every connection of this client is
// waiting for an answer), `cut` (the service closed the connection) or `unanswered` (no answer by the end).
import { readFileSync } from 'node:fs';
import net from 'node:net';

const { port, seconds, connections, perSecond, requests } = JSON.parse(readFileSync(0, 'utf8'));
const TICK_MS = 2;
/** After the last request is due, wait this long for answers. */
const REST_MS = 2500;
/** Number of connections opened at a time: a listening socket has a queue of 511. */
const OPENED_TOGETHER = 256;
const heads = requests.map(({ method, path, body = '' }) =>
  Buffer.from(
    `${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n` +
      (body ? `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` : '') +
      `\r\n${body}`,
  ),
);
const OUTCOMES = { due: 0, good: 0, late: 0, refused: 0, failed: 0, unsent: 0, cut: 0, unanswered: 0 };
const kinds = {};
const countsOf = (kind) => (kinds[kind] ??= { ...OUTCOMES, times: [] });
const idle = [];
const open = new Set();
let waiting = 0;

function outcomeOf(head, took, deadlineMs) {
  const status = Number(head.slice(9, 12));
  if (status === 503 && /\r\nretry-after: \d/i.test(head)) return 'refused';
  if (status >= 300) return 'failed';
  return took > deadlineMs ? 'late' : 'good';
}

function connect() {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    const own = { socket, counts: null, since: 0, deadlineMs: 0 };
    let parts = [];
    let missing = -1;
    let head = '';
    const ended = () => {
      const took = performance.now() - own.since;
      const outcome = outcomeOf(head, took, own.deadlineMs);
      own.counts[outcome]++;
      if (outcome === 'good') own.counts.times.push(took);
      missing = -1;
      parts = [];
      own.counts = null;
      waiting--;
      idle.push(own);
    };
    socket.on('connect', () => {
      open.add(own);
      idle.push(own);
      resolve();
    });
    const broken = () => {
      open.delete(own);
      if (own.counts !== null) {
        own.counts.cut++;
        own.counts = null;
        waiting--;
      }
      const at = idle.indexOf(own);
      if (at >= 0) idle.splice(at, 1);
      resolve();
    };
    socket.on('error', broken).on('close', broken);
    socket.on('data', (data) => {
      if (missing >= 0) missing -= data.length;
      else {
        parts.push(data);
        const text = parts.length === 1 ? data : Buffer.concat(parts);
        const end = text.indexOf('\r\n\r\n');
        if (end < 0) return;
        head = text.toString('latin1', 0, end);
        missing = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0) - (text.length - end - 4);
      }
      if (missing === 0) ended();
    });
  });
}

/** Sends the requests that were due `elapsedMs` after the start and have not been sent. */
function send(elapsedMs, dueSoFar) {
  let due = dueSoFar;
  for (const upTo = Math.floor((elapsedMs * perSecond) / 1000); due < upTo; due++) {
    const i = due % requests.length;
    const counts = countsOf(requests[i].kind);
    counts.due++;
    const own = idle.pop();
    if (own === undefined) {
      counts.unsent++;
      continue;
    }
    waiting++;
    own.counts = counts;
    own.deadlineMs = requests[i].deadlineMs;
    // the time of sending, not the time when it was due: a late generator is not the service's fault
    own.since = performance.now();
    own.socket.write(heads[i]);
  }
  return due;
}

for (let left = connections; left > 0; left -= OPENED_TOGETHER)
  await Promise.all(Array.from({ length: Math.min(left, OPENED_TOGETHER) }, connect));
const opened = open.size;
const start = performance.now();
let busy = null;
const spent = process.cpuUsage();
let due = 0;
await new Promise((resolve) => {
  const timer = setInterval(() => {
    const elapsed = performance.now() - start;
    due = send(Math.min(elapsed, 1000 * seconds), due);
    if (elapsed < 1000 * seconds) return;
    // if the generator is always busy, its figures do not show the service's limit
    const { user, system } = process.cpuUsage(spent);
    busy ??= (user + system) / 1000 / elapsed;
    if (waiting > 0 && elapsed < 1000 * seconds + REST_MS) return;
    clearInterval(timer);
    resolve();
  }, TICK_MS);
});
for (const { counts } of open) if (counts !== null) counts.unanswered++;
for (const { socket } of open) socket.destroy();
const report = Object.fromEntries(
  Object.entries(kinds).map(([kind, { times, ...counts }]) => {
    times.sort((a, b) => a - b);
    const p99 = times[Math.min(times.length - 1, Math.floor(0.99 * times.length))] ?? null;
    return [kind, { ...counts, p99 }];
  }),
);
process.stdout.write(JSON.stringify({ opened, busy, kinds: report }));
