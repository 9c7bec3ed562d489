// Exports one audience repeatedly, with several clients at once, until its input ends. Arguments: PORT PATH TYPE
// CLIENTS.
import { Agent, get } from 'node:http';

const [port, path, accept, clients] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, maxSockets: Number(clients) });
let bytes = 0;
let isOver = false;

function exportOnce() {
  const request = get({ port, path, agent, headers: { accept } }, (response) => {
    if (response.statusCode === 503) {
      // the previous export's slot may be freed a moment after its client has ended
      response.resume().on('end', () => isOver || setTimeout(exportOnce, 20));
      return;
    }
    if (response.statusCode !== 200) throw new Error(`the export was answered ${response.statusCode}`);
    response.on('data', (chunk) => {
      bytes += chunk.length;
    });
    response.on('end', () => isOver || exportOnce());
  });
  request.on('error', (error) => {
    if (!isOver) throw error;
  });
}

for (let i = 0; i < Number(clients); i++) exportOnce();
process.stdin.resume().on('end', () => {
  isOver = true;
  agent.destroy();
  process.stdout.write(String(bytes));
});
