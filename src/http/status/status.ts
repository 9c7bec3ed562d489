/** Response schema of the service's status. */
import { z } from 'zod';
import type { Damage } from '../../service/ports/health.ts';
import { CLOCK_EXAMPLE, clock } from '../clock/clock.ts';
import { part } from '../health/health.ts';
import { answerOf } from '../plugins/json/answer.ts';
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

const damage = answerOf<Damage>()(
  {},
  {
    kind: z.string().describe('`ranking`, `user_set`, `population` or `row`; more kinds may be added.'),
    path: z
      .string()
      .describe(
        "Relative to the data folder, or to the population's folder for a population; `<table>/<id>` for a row.",
      ),
    found_at: time,
  },
);

const lastError = z.object({
  code: z.string(),
  at: time,
  campaign_id: z.string().nullable().describe('`null` for an error of a request.'),
  expansion_id: z.string().nullable(),
  route: z.string().nullable().describe('Pattern of the route; `null` for an expansion.'),
});

export const status = z
  .object({
    ready: z.boolean().describe('Whether `/readyz` returns 200.'),
    parts: z.array(part).readonly().describe('As in `/readyz`.'),
    versions: z.object({
      service: z.string(),
      model: z.string(),
      population: z.string(),
      database_schema: count.describe('Number of the latest database migration.'),
    }),
    started_at: time,
    uptime_seconds: seconds,
    clock,
    queue: z.object({
      depth: count.describe('Expansions waiting for the engine.'),
      oldest_seconds: seconds.describe('How long the oldest of them has been waiting; 0 if there is none.'),
      by_state: z.record(z.string(), count).describe('Campaigns by the state of their latest expansion.'),
    }),
    engine: z.object({
      ready: z.boolean(),
      detail: z.string().describe('The device once the engine is ready, otherwise why it is not.'),
      restarts: count,
      hung: count.describe('Engines that were killed and replaced because they stopped responding.'),
      last_end: z
        .string()
        .nullable()
        .describe(
          'How an engine last ended without being stopped on purpose; `null` if none has since the service started.',
        ),
      threads: count.nullable().describe('`null`, like the fields that follow, if the engine is not running.'),
      expanding: count.nullable().describe('Expansions that the engine is working on.'),
      heartbeat_age_seconds: seconds.nullable(),
      resident_bytes: count.nullable(),
      users_scored: count.describe(
        'Users scored since the service started, counted once for each expansion. Never `null`.',
      ),
    }),
    disk: z
      .object({
        free_bytes: count,
        total_bytes: count,
        reserve_file_bytes: count.describe(
          'Size of the reserve file, which is removed if the disk is too full to record a deletion; 0 while it does ' +
            'not exist.',
        ),
      })
      .nullable()
      .describe('The disk of the data folder; `null` if the system does not report it.'),
    files: z.object({
      damaged: z.record(z.string(), count).describe('Damaged files found since the service started, by kind.'),
      set_aside: z
        .array(z.string())
        .describe(
          'Folders, relative to the data folder, to which files were moved when the service started because the ' +
            'database neither knew nor had created them.',
        ),
    }),
    damage: z
      .object({
        count,
        files: z.array(damage),
      })
      .describe(
        'Files and rows that are missing or damaged, oldest first, at most 20. An entry is removed once its file or ' +
          'row is intact again.',
      ),
    webhooks: z.object({
      pending: count.describe('Deliveries that are waiting or being sent.'),
      delivered: count.describe('Attempts since the service started, like the fields that follow.'),
      retried: count,
      failed: count,
    }),
    last_errors: z
      .array(lastError)
      .describe('Newest first, at most 20: expansions that failed or are being retried, and request errors.'),
  })
  .meta({ id: 'Status', examples: [EXAMPLE] });
