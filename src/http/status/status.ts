/** Response schema of the service's status. */
import { z } from 'zod';
import type { Damage } from '../../service/ports/health.ts';
import { CLOCK_EXAMPLE, clockAnswer } from '../clock/routes.ts';
import { part } from '../health/routes.ts';
import { answerOf } from '../plugins/json/answer.ts';
import { count, time } from '../plugins/json/fields.ts';

const seconds = z.number().min(0);

const EXAMPLE = {
  ready: true,
  parts: [{ name: 'engine', ready: true, detail: 'cpu' }],
  versions: { service: '1.0.0', model: '0123456789ab', population: 'ba9876543210', database_schema: 13 },
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
    kind: z
      .string()
      .describe('Kind of the file: `ranking`, `user_set`, `population` or `row`. More kinds may be added later.'),
    path: z
      .string()
      .describe(
        "Path relative to the data folder (in a cluster, to the object storage), or to the population's folder for a " +
          'population; `<table>/<id>` for a row.',
      ),
    found_at: time,
  },
);

const lastError = z.object({
  code: z.string().describe('Error code.'),
  at: time.describe('Time of the error.'),
  campaign_id: z.string().nullable().describe('Id of the campaign; `null` for a request error.'),
  expansion_id: z.string().nullable().describe('Id of the expansion; `null` for a request error.'),
  route: z.string().nullable().describe('Pattern of the route; `null` for an expansion error.'),
});

export const status = z
  .object({
    ready: z.boolean().describe('Whether `/readyz` returns 200.'),
    parts: z.array(part).readonly().describe('Parts of the service, as in `/readyz`.'),
    versions: z.object({
      service: z.string().describe('Version of the service.'),
      model: z.string().describe('Version of the served model.'),
      population: z.string().describe('Version of the served population.'),
      database_schema: count.describe('Number of the latest database migration.'),
    }),
    started_at: time,
    uptime_seconds: seconds.describe('Seconds since the service started.'),
    clock: clockAnswer,
    queue: z.object({
      depth: count.describe('Number of expansions that are waiting for the engine.'),
      oldest_seconds: seconds.describe(
        'Seconds for which the oldest queued expansion has been waiting; 0 if the queue is empty.',
      ),
      by_state: z.record(z.string(), count).describe('Number of campaigns by the state of their latest expansion.'),
    }),
    engine: z.object({
      ready: z.boolean().describe('Whether the engine works.'),
      detail: z
        .string()
        .describe('The device if the engine is ready, otherwise the reason why the engine is not ready.'),
      restarts: count.describe('Number of times the engine was restarted since the service started.'),
      hung: count.describe('Number of engines that were killed and replaced because they stopped responding.'),
      last_end: z
        .string()
        .nullable()
        .describe(
          'Description of the latest unexpected end of an engine; `null` if there has been none since the ' +
            'service started.',
        ),
      threads: count.nullable().describe('Number of threads of the engine; `null` if it is not running.'),
      expanding: count
        .nullable()
        .describe('Number of expansions that the engine is working on; `null` if it is not running.'),
      heartbeat_age_seconds: seconds
        .nullable()
        .describe('Seconds since the latest heartbeat of the engine; `null` if it is not running.'),
      resident_bytes: count.nullable().describe('Memory that the engine uses; `null` if it is not running.'),
      users_scored: count.describe(
        'Number of users scored since the service started. Users are counted once for each expansion.',
      ),
    }),
    disk: z
      .object({
        free_bytes: count.describe('Free bytes on the disk.'),
        total_bytes: count.describe('Size of the disk.'),
        reserve_file_bytes: count.describe(
          'Size of the reserve file, which is removed if the disk is too full to record a deletion; 0 while ' +
            'the file does not exist.',
        ),
      })
      .nullable()
      .describe('The disk of the data folder or, in a cluster, of the cache; `null` if the system does not report it.'),
    files: z.object({
      damaged: z
        .record(z.string(), count)
        .describe('Number of damaged files found since the service started, by kind.'),
      set_aside: z
        .array(z.string())
        .describe(
          'Folders, relative to the data folder, to which files were moved when the service started, because the ' +
            'database had no record of them.',
        ),
    }),
    damage: z
      .object({
        count: count.describe('Number of damaged files and rows, listed or not.'),
        files: z.array(damage).describe('The files and rows, at most 20.'),
      })
      .describe(
        'Files and rows that are missing or damaged, oldest first. An entry is removed once its file or ' +
          'row is intact again.',
      ),
    webhooks: z.object({
      pending: count.describe('Number of deliveries that are waiting or being sent.'),
      delivered: count.describe(
        'Number of successful delivery attempts since the service started. `retried` and `failed` count the ' +
          'other attempts.',
      ),
      retried: count.describe('Number of attempts that failed and are followed by another attempt.'),
      failed: count.describe('Number of last attempts that failed.'),
    }),
    last_errors: z
      .array(lastError)
      .describe(
        'The latest errors, newest first, at most 20: expansions that failed or are being retried, and request ' +
          'errors.',
      ),
  })
  .meta({ id: 'Status', examples: [EXAMPLE] });
