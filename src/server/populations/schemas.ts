/** The shapes of population versions. */
import { z } from 'zod';
import { count, time } from '../http/fields.ts';

export const versionParams = z.object({
  version: z
    .string()
    .regex(/^[0-9a-f]{12}$/, 'a version has 12 hexadecimal digits')
    .meta({ description: 'Version of the population.', examples: ['ba9876543210'] }),
});

const EXAMPLE = {
  version: 'ba9876543210',
  served: true,
  imported_at: '2026-11-25T12:00:00.000Z',
  users: 50_000,
  known_users: 50_120,
  bytes: 14_680_064,
};

export const populationVersionSchema = z
  .object({
    version: z.string(),
    served: z.boolean().describe('Whether new expansions use it.'),
    imported_at: time.describe('When its files were written on this machine.'),
    users: count,
    known_users: count.describe('User ids in its directory, those of earlier versions included.'),
    bytes: count.describe('Size of the files that only this version uses.'),
  })
  .meta({
    id: 'PopulationVersion',
    examples: [EXAMPLE],
  });

export const populationVersionsSchema = z.object({ items: z.array(populationVersionSchema) }).meta({
  id: 'PopulationVersions',
  examples: [{ items: [EXAMPLE] }],
});
