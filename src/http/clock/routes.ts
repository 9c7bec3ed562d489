/** The route through which an operator confirms that the machine's clock is right. */
import type { ServerDependencies } from '../dependencies.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { describeRoute, json } from '../plugins/route.ts';
import { clock as clockAnswer } from './clock.ts';

export function addClockRoutes(app: ServerApp, { clock }: Pick<ServerDependencies, 'clock'>): void {
  app.post(
    '/v1/clock/confirm',
    {
      schema: describeRoute({
        operationId: 'confirmClock',
        scope: 'admin',
        tags: ['information'],
        summary: "Confirm that the machine's clock is right",
        description:
          'After a jump of more than an hour the service continues with its own time until the clock has been stable ' +
          'for an hour. This call makes it adopt the time of the machine at once: keys then expire by that time, and ' +
          'data that is too old by that time is deleted. If the jump only corrected a wrong clock, wait for that ' +
          'hour instead: keys and data then do not age by the correction. `GET /v1/status` shows the state of the ' +
          'clock.',
        response: { 200: json('The state of the clock from now on.', clockAnswer) },
      }),
    },
    async () => {
      clock.confirm();
      return { ...clock.status, time: clock.now() };
    },
  );
}
