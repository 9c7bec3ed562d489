/** A cluster as the target of a chaos run. */
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import type { Rng } from '../../../src/lib/rng.ts';
import { newShared } from '../client.ts';
import type { Stored } from '../comparison.ts';
import { checkEvents, type EventRow } from '../deliveries.ts';
import { patiently } from '../persistent-call.ts';
import type { ChaosOptions, Deed, Outcome, Target } from '../run.ts';
import type { ChaosWorld } from '../world.ts';
import { checkErasures, Eraser, type ErasureFacts, HELD_AFTERWARDS } from './eraser.ts';
import { FAULTS } from './faults.ts';
import { Freshness } from './freshness.ts';
import { Leaders } from './leaders.ts';
import { checkLeft, checkUpkeep } from './leftovers.ts';
import { Schedules } from './schedules.ts';
import { openStage, type Stage, WEBHOOKS } from './stage.ts';
import { Switches } from './switches.ts';
import { tracesOf } from './traces.ts';

const PAUSES = {
  kills: { least: 4000, most: 12_000 },
  faults: { least: 1000, most: 4000 },
  operations: { least: 2000, most: 8000 },
} as const;
/** A leader may have been replaced this long before it is noticed. */
const LEADER_MOVE_MS = 8_000;
/** Nodes that are starting are given this time; operators wait for them. */
const NODES_READY_MS = 30_000;
/** Shorter runs have no faults that take most of a minute. */
const MINUTE_SECONDS = 60;

export async function openClusterTarget(world: ChaosWorld, options: ChaosOptions, rng: Rng): Promise<Target> {
  const { folder, seconds, note } = options;
  // Postgres runs as another user
  chmodSync(folder, 0o755);
  note('starting Postgres, object storage, two nodes and three engines');
  const stage = await openStage({ world, folder, rng: rng.fork('stage') });
  const { postgres, front, nodes, engines } = stage;
  const members = [...nodes, ...engines].map(({ member }) => member);
  // the clients of a cluster erase nobody
  const shared = newShared(front, world);
  const { counts, sightings } = shared;
  const freshness = new Freshness(nodes);
  const leaders = new Leaders(postgres);
  const eraser = new Eraser({ stage, world, counts, sightings, freshness });
  const schedules = new Schedules({ stage, world, counts });
  const switches = new Switches(stage, world, freshness);
  const program = { call: (...request: Parameters<typeof front.call>) => patiently(front, ...request) };
  const deedsOf = (isOfKills: boolean): Record<string, Deed> =>
    Object.fromEntries(
      Object.entries(FAULTS)
        .filter(([, { isKill = false }]) => isKill === isOfKills)
        .filter(([, { isLong = false }]) => !isLong || seconds >= MINUTE_SECONDS)
        .map(([name, { strike }]) => [name, (own) => strike(stage, own)]),
    );
  return {
    isOfCluster: true,
    shared,
    members,
    loops: {
      kills: { pause: PAUSES.kills, deeds: deedsOf(true) },
      faults: { pause: PAUSES.faults, deeds: deedsOf(false) },
      operations: {
        pause: PAUSES.operations,
        before: async () => {
          await Promise.all(nodes.map(({ member }) => member.isReadyWithin(NODES_READY_MS)));
        },
        deeds: {
          'population switched': (own) => switches.population(own),
          'model switched': (own) => switches.model(own),
          'user erased through the API': (own) => eraser.erase('api', own),
          'user erased by a command': (own) => eraser.erase('command', own),
        },
      },
    },
    leftOut: {},
    hasClockJumped: () => false,
    erased: () => ({ users: eraser.erased.map(({ user }) => user), spans: eraser.erased.map(({ span }) => span) }),
    begin: () => schedules.begin(),
    relieve: async () => {
      for (const { member } of nodes) await member.ready();
      await switches.allUsers();
      await schedules.end();
    },
    pending: async () => [
      ...(await postgres.query('SELECT id, owner FROM jobs')),
      ...(await postgres.query(`SELECT id, attempts, last_error FROM webhook_deliveries WHERE state = 'pending'`)),
    ],
    scene: () => {
      const others = new Set([...eraser.holders.map(({ id }) => id), ...schedules.ids]);
      return { program, world, others, damage: null };
    },
    end: async (served, { verdict, errors }) => {
      const { moves } = leaders;
      const ready = await postgres.query<{ id: string }>(`SELECT id FROM expansions WHERE state = 'ready'`);
      const { events, deliveries, repeated } = checkEvents(
        {
          webhooks: WEBHOOKS,
          received: stage.receiver.received,
          ready: ready.map(({ id }) => id),
          events: await postgres.query<EventRow>('SELECT id, type, body FROM webhook_events'),
          entries: shared.entries,
          disturbances: [
            ...moves.map((at) => ({ from: at - LEADER_MOVE_MS, to: at })),
            ...nodes.flatMap(({ disturbances }) => disturbances),
          ],
        },
        verdict,
      );
      const answers = await askOfErased(stage, eraser);
      const refreshes = await schedules.check(verdict);
      await checkUpkeep(stage, verdict);
      await leaders.close();
      await endMembers(members, { verdict, errors });
      await checkLeft(stage, join(folder, 'cache-verdict'), verdict);
      await checkErased(stage, eraser, { served, ...answers }, verdict);
      verdict.late.push(...freshness.late);
      const lags = freshness.lags.map(({ ms }) => ms);
      const ownLags = freshness.lags.map(({ ownMs }) => ownMs);
      return [
        `leaders ${1 + moves.length}, webhook events ${events}, deliveries ${deliveries}, of which repeated ${repeated}`,
        `refreshes by schedule ${refreshes}`,
        `nodes followed ${lags.length} changes within ${most(lags)} ms, or ${most(ownLags)} ms without the time for ` +
          'which they waited for a processor',
      ];
    },
    close: () => stage.close(),
  };
}

function most(values: readonly number[]): number {
  return Math.round(Math.max(0, ...values));
}

async function endMembers(members: Target['members'], { verdict, errors }: Outcome): Promise<void> {
  for (const member of members) {
    const code = await member.leave(true);
    if (code !== 0) errors.push(`${member.name} ended with ${code}`);
    const left = member.left();
    if (left.length > 0) verdict.leftOver.push(`${left.length} processes of ${member.name}`);
  }
}

/** What nodes answer about erased users, and how many users the lists have that held them. */
async function askOfErased({ front, nodes }: Stage, { erased, holders }: Eraser) {
  const looks: ErasureFacts['looks'][number][] = [];
  for (const { user } of erased)
    for (const { member } of nodes) {
      const { status } = await patiently(member, 'GET', `/v1/users/${user}/audiences`);
      looks.push({ node: member.name, user, status });
    }
  const lists: ErasureFacts['lists'][number][] = [];
  for (const { id, user } of holders) {
    const { json } = await patiently(front, 'GET', `/v1/campaigns/${id}/seeds`);
    lists.push({ user, left: json.users, expected: HELD_AFTERWARDS });
  }
  return { looks, lists };
}

/** After leftovers were removed: files of uploads that were killed hold ids until then. */
async function checkErased(
  stage: Stage,
  { erased }: Eraser,
  found: Pick<ErasureFacts, 'looks' | 'lists'> & { readonly served: readonly Stored[] },
  verdict: Outcome['verdict'],
): Promise<void> {
  // an update overwrites the ids in published tables, as the leader does every ten minutes
  if (erased.length > 0) await stage.operator.run('population', 'update', '--compact');
  const users = erased.map(({ user }) => user);
  checkErasures({ ...found, erased, traces: await tracesOf(stage, users) }, verdict);
}
