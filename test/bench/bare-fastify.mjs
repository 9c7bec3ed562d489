// What Fastify does alone: answers GET and POST at each path with the JSON that a line of JSON on stdin has for it.
// Prints its port.
import { readFileSync } from 'node:fs';
import Fastify from 'fastify';

const app = Fastify();
for (const [path, answer] of Object.entries(JSON.parse(readFileSync(0, 'utf8')))) {
  app.get(path, async () => answer);
  app.post(path, async () => answer);
}
await app.listen({ port: 0, host: '127.0.0.1' });
process.stdout.write(`${app.server.address().port}\n`);
