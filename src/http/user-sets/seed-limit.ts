/** Checks the number of user ids in a body before the ids are validated. */
import { AppError } from '../../lib/errors.ts';

/** Refuses (`too_many_seeds`) a body whose `field` is a list of more than `limit` ids. */
export function refuseTooManyIds(body: unknown, field: 'seeds' | 'suppression' | 'user_ids', limit: number): void {
  const ids = (body as Readonly<Record<string, unknown>> | null | undefined)?.[field];
  if (!Array.isArray(ids) || ids.length <= limit) return;
  const message = `at most ${limit} user ids can be sent in JSON; the request has ${ids.length}`;
  throw new AppError('too_many_seeds', message, {
    details: [{ pointer: `/${field}`, value: ids, limit, message }],
  });
}
