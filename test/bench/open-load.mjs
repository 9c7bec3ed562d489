// Open-loop load: requests are due at a rate, whatever is answered. `node open-load.mjs`, told by a line of JSON on
// stdin, answers with one. A request that is due while every connection waits for an answer is lost; one that is
// answered after the deadline, or with an error, is not good.
import { readFileSync } from 'node:fs';
import net from 'node:net';

const { port, seconds, connections, perSecond, requests } = JSON.parse(readFileSync(0, 'utf8'));
const TICK_MS = 2;
/** After the last is due, answers are waited for this long. */
const REST_MS = 2500;
const heads = requests.map(({ method, path, body = '' }) =>
  Buffer.from(
    `${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n` +
      (body ? `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` : '') +
      `\r\n${body}`,
  ),
);
const kinds = {};
const countsOf = (kind) => (kinds[kind] ??= { due: 0, good: 0, refused: 0, late: 0, lost: 0, times: [] });
const idle = [];
const sockets = new Set();
let waiting = 0;

function connect() {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    sockets.add(socket);
    const own = { socket, counts: null, since: 0, deadlineMs: 0 };
    let parts = [];
    let missing = -1;
    let status = 0;
    const ended = () => {
      const took = performance.now() - own.since;
      const { counts } = own;
      if (status >= 500) counts.refused++;
      else if (took > own.deadlineMs) counts.late++;
      else {
        counts.good++;
        counts.times.push(took);
      }
      missing = -1;
      parts = [];
      own.counts = null;
      waiting--;
      idle.push(own);
    };
    socket.on('connect', () => {
      idle.push(own);
      resolve();
    });
    const broken = () => {
      if (!sockets.delete(socket)) return;
      if (own.counts !== null) {
        own.counts.lost++;
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
        const head = text.toString('latin1', 0, end);
        status = Number(head.slice(9, 12));
        missing = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0) - (text.length - end - 4);
      }
      if (missing === 0) ended();
    });
  });
}

await Promise.all(Array.from({ length: connections }, connect));
const start = performance.now();
let due = 0;
await new Promise((resolve) => {
  const timer = setInterval(() => {
    const elapsed = Math.min(performance.now() - start, 1000 * seconds);
    for (const upTo = Math.floor((elapsed * perSecond) / 1000); due < upTo; due++) {
      const i = due % requests.length;
      const counts = countsOf(requests[i].kind);
      counts.due++;
      const own = idle.pop();
      if (own === undefined) {
        counts.lost++;
        continue;
      }
      waiting++;
      own.counts = counts;
      own.deadlineMs = requests[i].deadlineMs;
      // of this turn, not of when it was due: a late generator is no fault of the service
      own.since = performance.now();
      own.socket.write(heads[i]);
    }
    const isOver = performance.now() - start > 1000 * seconds;
    if (isOver && (waiting === 0 || performance.now() - start > 1000 * seconds + REST_MS)) {
      clearInterval(timer);
      resolve();
    }
  }, TICK_MS);
});
for (const socket of sockets) socket.destroy();
const report = Object.fromEntries(
  Object.entries(kinds).map(([kind, { times, ...counts }]) => {
    times.sort((a, b) => a - b);
    const p99 = times[Math.min(times.length - 1, Math.floor(0.99 * times.length))] ?? null;
    return [kind, { ...counts, p99 }];
  }),
);
process.stdout.write(JSON.stringify({ seconds, kinds: report }));
