/** The number of seeds in a body, looked at before the ids themselves are. */
import { AppError } from '../lib/errors.ts';

/** Refuses (`too_many_seeds`) a body whose `seeds` are more than `limit`. */
export function refuseTooManySeeds(body: unknown, limit: number): void {
  const seeds = typeof body === 'object' && body !== null && 'seeds' in body ? body.seeds : undefined;
  if (!Array.isArray(seeds) || seeds.length <= limit) return;
  const message = `at most ${limit} seeds can be sent inline, there are ${seeds.length}`;
  throw new AppError('too_many_seeds', message, {
    details: [{ pointer: '/seeds', value: seeds, limit, message }],
  });
}
