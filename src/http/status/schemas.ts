/** The shape of the service's status. */
import { z } from 'zod';
import { CLOCK_EXAMPLE, clockSchema } from '../clock/schemas.ts';
import { partSchema } from '../health/schemas.ts';
import { count, time } from '../plugins/json/fields.ts';

const seconds = z.number().min(0);

const EXAMPLE = {
  ready: true,
  parts: [{ name: 'engine', ready: true, detail: 'cpu' }],
  versions: { service: '0.1.0', model: '0123456789ab', population: 'ba9876543210', database_schema: 13 },
  started_at: '2026-11-25T12:00:00.000Z',
  uptime_seconds: 86_400,
  clock: CLOCK_EXAMPLE,
  queue: { depth: 2, oldest_seconds: 3.2, by_state: { queued: 2, adapting: 1, ready: 40 } },
  engine: {
    ready: true,
    detail: 'cpu',
    restarts: 1,
    hung: 1,
    last_end: 'the engine has been stopped for 10 s',
    threads: 4,
    expanding: 1,
    heartbeat_age_seconds: 0.4,
    resident_bytes: 412_000_000,
    users_scored: 1_240_000,
  },
  disk: { free_bytes: 80_000_000_000, total_bytes: 100_000_000_000, reserve_file_bytes: 8_388_608 },
  files: { damaged: { ranking: 0, user_set: 0, population: 0, row: 0 }, set_aside: [] },
  damage: {
    count: 1,
    files: [{ kind: 'population', path: 'ba9876543210/segments/000003.arrow', found_at: '2026-11-26T09:00:00.000Z' }],
  },
  webhooks: { pending: 0, delivered: 120, retried: 3, failed: 1 },
  last_errors: [
    {
      code: 'storage_failed',
      at: '2026-11-26T09:00:00.000Z',
      campaign_id: '5f0c1b7e-3c5b-4c7e-9a60-0d3f0a8b2f11',
      expansion_id: '8a1f5f2e-6a3e-4a9b-8a55-2f6a2a1c9d01',
      route: null,
    },
  ],
};

const statusErrorSchema = z.object({
  code: z.string(),
  at: time,
  campaign_id: z.string().nullable().describe('null for an error of a request.'),
  expansion_id: z.string().nullable(),
  route: z.string().nullable().describe('Pattern of the route; null for an expansion.'),
});

export const statusSchema = z
  .object({
    ready: z.boolean().describe('Whether `/readyz` is 200.'),
    parts: z.array(partSchema).describe('As of `/readyz`.'),
    versions: z.object({
      service: z.string(),
      model: z.string(),
      population: z.string(),
      database_schema: count.describe('Number of the last migration of the database.'),
    }),
    started_at: time,
    uptime_seconds: seconds,
    clock: clockSchema,
    queue: z.object({
      depth: count.describe('Expansions that wait for the engine.'),
      oldest_seconds: seconds.describe('How long the oldest of them has waited; 0 if there is none.'),
      by_state: z.record(z.string(), count).describe('Campaigns by the state of their latest expansion.'),
    }),
    engine: z.object({
      ready: z.boolean(),
      detail: z.string().describe('The device once it is ready, otherwise why it is not.'),
      restarts: count,
      hung: count.describe('Engines that were killed and replaced because they gave no sign.'),
      last_end: z
        .string()
        .nullable()
        .describe('How the last engine ended that was not told to; null if none has since the start.'),
      threads: count.nullable().describe('null, as all that follows, if the engine does not run.'),
      expanding: count.nullable().describe('Expansions that it works at.'),
      heartbeat_age_seconds: seconds.nullable(),
      resident_bytes: count.nullable(),
      users_scored: count.describe('Scores made since the start: users times expansions. Never null.'),
    }),
    disk: z
      .object({
        free_bytes: count,
        total_bytes: count,
        reserve_file_bytes: count.describe(
          'Size of the file that is given up where a deletion finds the disk full; 0 while it is not there.',
        ),
      })
      .nullable()
      .describe('Of the data folder; null if the system does not tell.'),
    files: z.object({
      damaged: z.record(z.string(), count).describe('Damaged files that were found since the start, by kind.'),
      set_aside: z
        .array(z.string())
        .describe(
          'Folders of files that the database did not know and had not made, relative to the data folder: they were ' +
            'moved there when the service started.',
        ),
    }),
    damage: z
      .object({
        count,
        files: z.array(
          z.object({
            kind: z.string().describe('`ranking`, `user_set`, `population` or `row`; there may be more later.'),
            path: z
              .string()
              .describe('In the data folder or, of a population, in its folder; of a row, `<table>/<id>`.'),
            found_at: time,
          }),
        ),
      })
      .describe(
        'Files and rows that are missing or damaged, the oldest first, 20 at most. One leaves the list when it is whole again.',
      ),
    webhooks: z.object({
      pending: count.describe('Deliveries waiting or being sent.'),
      delivered: count.describe('Attempts since the start, as those that follow.'),
      retried: count,
      failed: count,
    }),
    last_errors: z
      .array(statusErrorSchema)
      .describe('The newest first, 20 at most: expansions that failed or are retried, and errors of requests.'),
  })
  .meta({ id: 'Status', examples: [EXAMPLE] });
