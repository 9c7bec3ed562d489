// Load on one address, in a separate process: `node load.mjs` reads its task as a line of JSON from stdin and prints
// the result as one. Each connection sends its next request when it has the answer; with `perSecond`, at most that many
// in total.
import { readFileSync } from 'node:fs';
import net from 'node:net';

const { port, seconds, connections, perSecond, requests } = JSON.parse(readFileSync(0, 'utf8'));
const heads = requests.map(({ method, path, body = '' }) =>
  Buffer.from(
    `${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n` +
      (body ? `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` : '') +
      `\r\n${body}`,
  ),
);
const times = [];
let sent = 0;
let isOver = false;
const start = performance.now();

/** Time to wait, so that at most `perSecond` requests are sent. */
const pause = () => (perSecond ? start + (1000 * sent) / perSecond - performance.now() : 0);

function connect() {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    let since = 0;
    let parts = [];
    let missing = -1;
    const send = () => {
      const wait = pause();
      if (wait > 1) return void setTimeout(send, wait);
      since = performance.now();
      socket.write(heads[sent++ % heads.length]);
    };
    const ended = () => {
      times.push(performance.now() - since);
      missing = -1;
      parts = [];
      if (!isOver) return send();
      socket.end();
      resolve();
    };
    socket.on('connect', send).on('error', reject);
    socket.on('data', (data) => {
      if (missing >= 0) missing -= data.length;
      else {
        parts.push(data);
        const text = parts.length === 1 ? data : Buffer.concat(parts);
        const end = text.indexOf('\r\n\r\n');
        if (end < 0) return;
        const head = text.toString('latin1', 0, end);
        if (!head.startsWith('HTTP/1.1 200')) return reject(new Error(head));
        missing = Number(/content-length: (\d+)/i.exec(head)[1]) - (text.length - end - 4);
      }
      if (missing === 0) ended();
    });
  });
}

setTimeout(() => {
  isOver = true;
}, 1000 * seconds);
await Promise.all(Array.from({ length: connections }, connect));
const took = (performance.now() - start) / 1000;
times.sort((a, b) => a - b);
const at = (share) => times[Math.min(times.length - 1, Math.floor(share * times.length))];
process.stdout.write(JSON.stringify({ perSecond: times.length / took, p50: at(0.5), p99: at(0.99) }));
