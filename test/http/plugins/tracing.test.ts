/** Which requests are traced, and the trace context of their handlers. */
import fastify from 'fastify';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ServerApp } from '../../../src/http/plugins/fastify-types.ts';
import { traceRequests } from '../../../src/http/plugins/tracing.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { createLogger } from '../../../src/lib/logging.ts';
import { openTelemetry } from '../../../src/lib/telemetry/open.ts';
import type { Telemetry } from '../../../src/lib/tracing.ts';
import { type OtlpReceiver, openOtlpReceiver } from '../../lib/telemetry/receiver.ts';
import { settingsOf } from '../../lib/telemetry/settings.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CALLER = `00-${TRACE}-b7ad6b7169203331`;

let receiver: OtlpReceiver;
let telemetry: Telemetry;
let app: ServerApp;
beforeEach(async () => {
  receiver = await openOtlpReceiver();
  const logger = createLogger('silent', 'test');
  telemetry = openTelemetry({ settings: settingsOf(receiver.url), process: 'api', clock: systemClock, logger });
  app = fastify() as ServerApp;
  traceRequests(app, telemetry);
  const seen = async () => ({ traceparent: telemetry.current() });
  app.get('/loud', seen);
  app.get('/quiet', { config: { quiet: true } }, seen);
});
afterEach(async () => {
  await app.close();
  await receiver.close();
});

it.each([
  ['/loud', null, /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/, 1],
  ['/quiet', null, null, 0],
  ['/loud', `${CALLER}-01`, new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`), 1],
  ['/quiet', `${CALLER}-01`, new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`), 1],
  // what it causes is not recorded either
  ['/loud', `${CALLER}-00`, new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`), 0],
  ['/quiet', `${CALLER}-00`, null, 0],
])('%s for a caller with %s', async (url, traceparent, running, exported) => {
  const response = await app.inject({ url, headers: traceparent === null ? {} : { traceparent } });
  const seen = response.json().traceparent;
  if (running === null) expect(seen).toBeNull();
  else expect(seen).toMatch(running);
  await telemetry.close();
  expect(receiver.spans).toHaveLength(exported);
});
