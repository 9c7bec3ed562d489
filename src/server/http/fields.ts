/** Fields that the shapes of several resources have. */
import { z } from 'zod';
import { addIssue, type Wrong } from './validation.ts';

export const count = z.int().min(0);

export const time = z.string().meta({ format: 'date-time', examples: ['2026-11-25T12:00:00.000Z'] });

export const share = z.number().gt(0).max(100).describe('Per cent of the population, seeds counted; rounded up.');

export const featureValue = z.union([
  z.string(),
  z.number(),
  z.array(z.string()).readonly(),
  z.array(z.number()).readonly(),
]);

export const reasonSchema = z.looseObject({ code: z.string(), message: z.string() });

/** An answer of text: streams and metrics are no JSON. */
export const textSchema = z.string();

/** Why a text is no id, or null: ids are text of 1 to `maximumBytes` bytes of UTF-8. */
export function wrongId(what: string, id: unknown, maximumBytes: number): Wrong | null {
  if (typeof id !== 'string') return { message: `${what} is a text` };
  if (id === '') return { message: `${what} has at least 1 byte`, limit: 1 };
  if (Buffer.byteLength(id) > maximumBytes) {
    return { message: `${what} has at most ${maximumBytes} bytes`, limit: maximumBytes };
  }
  return /\p{Surrogate}/u.test(id) ? { message: 'half of a surrogate pair is no text' } : null;
}

export function userId(maximumBytes: number) {
  return idText('a user id', maximumBytes).meta({
    description: `Id of a user, 1 to ${maximumBytes} bytes.`,
    minLength: 1,
    maxLength: maximumBytes,
    examples: ['u4711'],
  });
}

export function idText(what: string, maximumBytes: number) {
  return z.string().superRefine((id, context) => {
    const wrong = wrongId(what, id, maximumBytes);
    if (wrong !== null) addIssue(context, [], wrong);
  });
}
