/** The route through which an operator confirms that the machine's clock is right. */
import type { ServerDependencies } from '../dependencies.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { describeRoute, json } from '../plugins/route.ts';
import { clock as clockAnswer } from './clock.ts';

export function addClockRoutes(app: ServerApp, { clock }: ServerDependencies): void {
  app.post(
    '/v1/clock/confirm',
    describeRoute({
      operationId: 'confirmClock',
      scope: 'admin',
      tags: ['information'],
      summary: "Confirm that the machine's clock is right",
      description:
        "After a jump of the machine's clock by more than an hour, the service keeps its own time until the " +
        "clock has been stable for an hour. This call makes the service adopt the machine's time at once, so " +
        'keys expire by the new time, and data that is too old by the new time is deleted. If the jump ' +
        'corrected a wrong clock, wait for an hour instead, so that keys and data do not age because of the ' +
        'correction. `GET /v1/status` shows the state of the clock.',
      response: { 200: json('The new state of the clock.', clockAnswer) },
    }),
    async () => {
      clock.confirm();
      return { ...clock.status, time: clock.now() };
    },
  );
}
