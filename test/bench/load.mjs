// Load on one address, in a separate process: `node load.mjs` reads its task as a line of JSON from stdin and prints one
// result for each of its turns. A turn sends one of the sets of requests for some seconds. Each connection sends its next
// request when it has the answer; with `perSecond`, at most that many in total.
import { readFileSync } from 'node:fs';
import net from 'node:net';

const { port, pid, connections, perSecond, sets, turns } = JSON.parse(readFileSync(0, 'utf8'));
const headsOf = ({ method, path, body = '' }) =>
  Buffer.from(
    `${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n` +
      (body ? `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` : '') +
      `\r\n${body}`,
  );
const heads = Object.fromEntries(Object.entries(sets).map(([name, requests]) => [name, requests.map(headsOf)]));
const results = [];
for (const { set, seconds } of turns) results.push(await run(heads[set], seconds));
process.stdout.write(JSON.stringify(results));

async function run(messages, seconds) {
  const load = { messages, times: [], sent: 0, isOver: false, start: performance.now() };
  const before = processorUs();
  setTimeout(() => {
    load.isOver = true;
  }, 1000 * seconds);
  await Promise.all(Array.from({ length: connections }, () => connect(load)));
  const took = (performance.now() - load.start) / 1000;
  const count = load.times.length;
  const times = load.times.sort((a, b) => a - b);
  const at = (share) => times[Math.min(count - 1, Math.floor(share * count))];
  return { perSecond: count / took, p50: at(0.5), p99: at(0.99), processorUs: (processorUs() - before) / count };
}

/** Processor time of the first thread of the process `pid`. */
function processorUs() {
  return pid === undefined
    ? 0
    : Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1000;
}

function connect(load) {
  // time to wait, so that at most `perSecond` requests are sent
  const pause = () => (perSecond ? load.start + (1000 * load.sent) / perSecond - performance.now() : 0);
  return new Promise((resolve, reject) => {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    let since = 0;
    let parts = [];
    let missing = -1;
    const send = () => {
      const wait = pause();
      if (wait > 1) return void setTimeout(send, wait);
      since = performance.now();
      socket.write(load.messages[load.sent++ % load.messages.length]);
    };
    const ended = () => {
      load.times.push(performance.now() - since);
      missing = -1;
      parts = [];
      if (!load.isOver) return send();
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
