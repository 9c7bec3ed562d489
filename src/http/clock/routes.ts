/** The route by which an operator says that the machine's clock is right. */
import type { ServerDependencies } from '../dependencies.ts';
import type { ServerApp } from '../plugins/fastify-types.ts';
import { describeRoute, json } from '../plugins/route.ts';
import { clockSchema, presentClock } from './schemas.ts';

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
          'After a jump of more than an hour the service goes on with its own time until the clock has been stable for ' +
          'an hour. With this call it takes the time of the machine at once: keys expire by it, and ' +
          'what has become too old by it is deleted. Where the clock was only corrected, wait instead: what it was ' +
          'corrected by then makes nothing older. `GET /v1/status` has the state of the clock.',
        response: { 200: json('The clock, as it is from now on.', clockSchema) },
      }),
    },
    async () => {
      clock.confirm();
      return presentClock(clock.now(), clock.status);
    },
  );
}
