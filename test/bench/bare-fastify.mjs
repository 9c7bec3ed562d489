// A bare Fastify server: answers GET and POST at each path with the headers and the body given by a line of JSON on
// stdin. Prints its port.
import { readFileSync } from 'node:fs';
import Fastify from 'fastify';

const app = Fastify();
for (const [path, { headers, body }] of Object.entries(JSON.parse(readFileSync(0, 'utf8')))) {
  const answer = async (_request, reply) => {
    reply.headers(headers);
    return body;
  };
  app.get(path, answer);
  app.post(path, answer);
}
await app.listen({ port: 0, host: '127.0.0.1' });
process.stdout.write(`${app.server.address().port}\n`);
