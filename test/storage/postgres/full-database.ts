/** Fills a database with as many rows as a large service has after years, by statements of the server itself. */
import pg from 'pg';
import { NEW_RANGE } from '../../../src/domain/ranges.ts';

export interface FullSize {
  readonly campaigns: number;
  /** Entries of the audit log, of the feed of changes, and of feedback. */
  readonly events: number;
  readonly deliveries: number;
  /** Expansions that wait in the queue, and how many of them have offered ranges. */
  readonly jobs: number;
  readonly offers: number;
}

const EXPANSIONS_EACH = 3;
const RANGES_EACH = 100;
/** Number of campaigns that are refreshed. The look for due refreshes reads all of them, whatever the others are. */
const REFRESHED = 400;
/** The time of the oldest and the newest row. */
const OLDEST = 1_000_000_000_000;
export const NEWEST = 1_700_000_000_000;
/** The id of a campaign, by its number. */
export const campaignId = (number: number) => `c-${String(number).padStart(7, '0')}`;

const TIME = (i: string, most: number) => `(${OLDEST} + (${i})::bigint * ${Math.floor((NEWEST - OLDEST) / most)})`;

/** Fills the tables of a migrated database, and lets the planner know their sizes. */
export async function fillDatabase(url: string, size: FullSize): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const statement of statements(size)) await client.query(statement);
    await client.query('VACUUM ANALYZE');
  } finally {
    await client.end();
  }
}

function statements({ campaigns, events, deliveries, jobs, offers }: FullSize): readonly string[] {
  const expansions = campaigns * EXPANSIONS_EACH;
  const id = (i: string) => `'c-' || lpad((${i})::text, 7, '0')`;
  const jobId = (i: string) => `md5('j-' || ${i})::uuid::text`;
  const sha = (i: string) => `encode(sha256((${i})::text::bytea), 'hex') || '-0-0'`;
  return [
    `SET session_replication_role = replica`,
    `INSERT INTO user_sets SELECT ${sha('i')}, 100, 1000, '', ${TIME('i', campaigns)} FROM generate_series(1, ${campaigns}) i`,
    `INSERT INTO campaigns (number, id, name, features, unknown_features, missing_features, audience, created_at,
       external_id, labels, seed_set, seed_counts, refresh_every, active_version, updated_at)
     SELECT i, ${id('i')}, 'campaign ' || i, '{}', 0, 0, '{"size":10}', ${TIME('i', campaigns)}, 'x-' || i,
       json_build_object('team', i % 100), ${sha('i')},
       '{"received":100,"known":100,"unknown":0,"duplicate":0,"unknownExamples":[]}',
       CASE WHEN i % ${Math.ceil(campaigns / REFRESHED)} = 0 THEN 1e12::bigint END, 2, ${TIME('i', campaigns)}
     FROM generate_series(1, ${campaigns}) i`,
    `INSERT INTO expansions (number, id, campaign, latest, state, seed_set, seeds_received, seeds_known, seeds_unknown,
       seeds_duplicate, unknown_examples, model_version, population_version, timings, computed_with, reason,
       created_at, updated_at)
     SELECT i, 'e-' || i, c, i > ${expansions - campaigns},
       CASE WHEN i > ${expansions - jobs} THEN 'queued' WHEN i % 50 = 0 THEN 'failed' ELSE 'ready' END,
       ${sha('c')}, 100, 100, 0, 0, '[]', 'm1', 'p' || (i % 20), '{"adapting":1,"scoring":2}',
       '{"threads":2,"segments":10,"threadSeconds":{"adapting":1,"reporting":1,"scoring":1}}',
       CASE WHEN i % 50 = 0 THEN '{"code":"crashed","message":"m"}'::json END,
       ${TIME('i', expansions)}, ${TIME('i', expansions)}
     FROM (SELECT i, (i - 1) % ${campaigns} + 1 AS c FROM generate_series(1, ${expansions}) i) made`,
    `INSERT INTO jobs (number, id, expansion, queued_at, run_after, turn)
     SELECT i, ${jobId('i')}, ${expansions - jobs} + i, ${NEWEST}, ${NEWEST}, i FROM generate_series(1, ${jobs}) i`,
    `INSERT INTO audiences (campaign, version, expansion, size, candidates, population_size, folder,
       population_version, created_at, cause)
     SELECT (i - 1) % ${campaigns} + 1, (i - 1) / ${campaigns} + 1, i, 10, 100, 100, 'f-' || i,
       'p' || (i % 20), ${TIME('i', 2 * campaigns)}, 'requested' FROM generate_series(1, ${2 * campaigns}) i`,
    `INSERT INTO changes (number, campaign_id, cause, version, previous_version, size, changed_at)
     SELECT i, ${id(`i % ${campaigns} + 1`)}, 'requested', 2, 1, 10, ${TIME('i', events)}
     FROM generate_series(1, ${events}) i`,
    `INSERT INTO audit_log (number, at, actor, action, resource, resource_id, status, reached_at)
     SELECT i, ${TIME('i', events)}, 'key', 'campaign.created', 'campaign', ${id(`i % ${campaigns} + 1`)}, 201,
       ${TIME('i', events)} FROM generate_series(1, ${events}) i`,
    `INSERT INTO feedback SELECT i % ${Math.ceil(campaigns / 10)} + 1, 'u-' || i, 'click', ${TIME('i', events)}
     FROM generate_series(1, ${events}) i`,
    `INSERT INTO webhooks (number, id, url, events, description, enabled, created_at, updated_at)
     SELECT i, 'w-' || i, 'https://receiver.example/' || i, '["expansion.ready"]', '', i <> 10, 0, 0
     FROM generate_series(1, 10) i`,
    `INSERT INTO webhook_secrets SELECT i, 'whsec_' || i FROM generate_series(1, 10) i`,
    `INSERT INTO webhook_events (number, id, type, body, created_at)
     SELECT i, 'v-' || i, 'expansion.ready', '{"data":{"campaign_id":"' || ${id(`i % ${campaigns} + 1`)} || '"}}',
       ${TIME('i', deliveries)} FROM generate_series(1, ${deliveries}) i`,
    `INSERT INTO webhook_deliveries (number, id, webhook, event, state, next_attempt_at, created_at)
     SELECT i, 'd-' || i, i % 9 + 1, i, CASE WHEN i % 2 = 0 THEN 'delivered' ELSE 'pending' END,
       CASE WHEN i % 2 = 0 THEN NULL ELSE ${NEWEST} * 2 END, ${TIME('i', deliveries)}
     FROM generate_series(1, ${deliveries}) i`,
    `INSERT INTO idempotency_keys SELECT 'k-' || i, 's', ${id('i')}, '{"unknown_examples":[]}', ${TIME('i', campaigns)}
     FROM generate_series(1, ${campaigns}) i`,
    `INSERT INTO unused_blobs SELECT 'g-' || i, ${NEWEST}, ${NEWEST} FROM generate_series(1, ${campaigns}) i`,
    `INSERT INTO range_offers (number, campaign_id, expansion_id, job, token, folder, key, golden, model_version,
       population_version)
     SELECT i, ${id('i')}, 'e-' || (${expansions - jobs} + i), ${jobId('i')}, 1, 'o-' || i, 'k', 'g', 'm1', 'p1'
     FROM generate_series(1, ${offers}) i`,
    `INSERT INTO ranges (offer, number, from_segment, to_segment, state, claimable_from)
     SELECT o, r, r, r + 1, '${JSON.stringify(NEW_RANGE)}', ${NEWEST}
     FROM generate_series(1, ${offers}) o, generate_series(0, ${RANGES_EACH - 1}) r`,
    ...['campaigns', 'expansions', 'jobs', 'changes', 'audit_log', 'webhooks', 'webhook_events', 'webhook_deliveries']
      .concat('range_offers')
      .map((table) => `SELECT setval('${table}_number_seq', (SELECT max(number) FROM ${table}))`),
  ];
}
