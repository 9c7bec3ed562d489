/**
 * Serialises the result of a handler without a check, because the compiler has checked its type against the schema. A
 * check with zod, as in other routes, takes longer than a look-up, and half as long as creating a page.
 */
import type { FastifySerializerCompiler } from 'fastify';

export const plainJson: FastifySerializerCompiler<unknown> = () => (answer) => JSON.stringify(answer);
