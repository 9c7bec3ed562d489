/**
 * Many campaigns queued at once: in which order two engines of a cluster take them, and how long each waits, compared
 * with an embedded service. The engines stand still while the campaigns are posted, which must not take longer than ten
 * seconds: then the embedded service would replace its engine.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { assert } from '../../../../src/lib/errors.ts';
import { createRng } from '../../../../src/lib/rng.ts';
import { SEGMENT_ROWS } from '../../../../src/population/read/segments.ts';
import { findChild } from '../../../fixture/processes.ts';
import { markdownTable, wrapped } from '../../page.ts';
import { type BenchService, people, startService } from '../../service.ts';
import { digits } from './compare.ts';
import type { Ending } from './ending.ts';
import type { Measurement, MeasureOptions } from './measurement.ts';
import { type BenchEngine, prepared, startRig, untilIdle } from './rig.ts';

const SIZES = {
  full: { users: 4 * SEGMENT_ROWS, campaigns: 200 },
  quick: { users: 2 * SEGMENT_ROWS, campaigns: 16 },
};
/** Small campaigns have earlier turns, so the order of the queue is not that of the POSTs. */
const SEEDS = [20, 50, 100, 200, 500, 1000, 2000] as const;
const ENGINES = 2;
/** Threads of the embedded service; the engines of the cluster have one each. */
const THREADS = 2;
const LOOK_EVERY_MS = 1000;
const WARM_UP = 4;
/** Ranges of a campaign in the third row. */
const HALVES = 2;

/** When a campaign was claimed and when it was ready, in seconds since the first claim. */
interface Turn {
  readonly begun: number;
  readonly ready: number;
}

interface Way {
  readonly service: BenchService;
  /** How long the engines may stand still; then a service replaces them. */
  readonly stillSeconds: number;
  stop(): void;
  go(): void;
}

export async function benchQueue({ quick, note, ending, populationOf }: MeasureOptions): Promise<Measurement> {
  const { users, campaigns } = quick ? SIZES.quick : SIZES.full;
  const folder = ending.folder();
  const population = await populationOf(users);
  const rng = createRng('queue');
  const seeds = Array.from({ length: campaigns }, (_, i) =>
    people(SEEDS[Math.floor(rng.uniform() * SEEDS.length)]! + (i % 5), users),
  );
  const ranges = users / SEGMENT_ROWS / HALVES;
  const options = (name: string, own: Ending) => ({ population, folder: join(folder, name), ending: own });
  const ways: Readonly<Record<string, (own: Ending) => Promise<Way>>> = {
    'embedded service': (own) => embedded(options('embedded', own)),
    [`${ENGINES} engines`]: (own) => cluster(options('whole', own), {}),
    [`${ENGINES} engines, ${HALVES} ranges`]: (own) =>
      cluster(options('ranges', own), { METAHEAC_RANGE_SEGMENTS: String(ranges) }),
  };
  const measured: Measured[] = [];
  for (const [name, way] of Object.entries(ways)) {
    note(`${campaigns} campaigns: ${name}`);
    measured.push([name, await ending.within(async (own) => run(await way(own), seeds, note))]);
  }
  return reportOf(users, measured);
}

type Measured = readonly [name: string, turns: readonly Turn[]];

interface WayOptions {
  readonly population: string;
  readonly folder: string;
  readonly ending: Ending;
}

async function embedded({ population, folder, ending }: WayOptions): Promise<Way> {
  const service = await startService(
    population,
    folder,
    {},
    {
      variables: { METAHEAC_LOG_LEVEL: 'error' },
      onStarted: (child) => ending.own(child),
    },
  );
  await prepared(service.url);
  await untilIdle(service.pid);
  const engine = findChild(service.pid, 'engine/engine')!;
  return {
    ...{ service, stillSeconds: 10 },
    stop: () => void process.kill(engine, 'SIGSTOP'),
    go: () => void process.kill(engine, 'SIGCONT'),
  };
}

async function cluster(options: WayOptions, settings: Readonly<Record<string, string>>): Promise<Way> {
  const rig = await startRig({ ...options, settings });
  const engines: BenchEngine[] = [];
  for (let i = 0; i < ENGINES; i++) engines.push(await rig.addEngine(`engine-${i}`, THREADS / ENGINES));
  return {
    // who would replace them stands still, too
    ...{ service: rig.node, stillSeconds: Number.POSITIVE_INFINITY },
    stop: () => {
      for (const engine of engines) engine.freeze();
    },
    go: () => {
      for (const engine of engines) engine.thaw();
    },
  };
}

/** Warms up, queues all campaigns and waits until they are ready. */
async function run(way: Way, seeds: readonly (readonly string[])[], note: (line: string) => void): Promise<Turn[]> {
  const { service } = way;
  for (let i = 0; i < WARM_UP; i++) await service.expand(seeds[i]!);
  way.stop();
  const start = performance.now();
  const ids: string[] = [];
  for (const one of seeds) ids.push(await post(service, one));
  const seconds = (performance.now() - start) / 1000;
  way.go();
  note(`posted in ${seconds.toFixed(1)} s`);
  assert(seconds < way.stillSeconds, 'the campaigns are posted before the engine is replaced');
  const ended: Turn[] = [];
  for (const id of ids) ended.push(await untilReady(service, id));
  // the first claim tells when the engines went on
  const first = Math.min(...ended.map(({ begun }) => begun));
  return ended.map(({ begun, ready }) => ({ begun: begun - first, ready: ready - first }));
}

async function post(service: BenchService, seeds: readonly string[]): Promise<string> {
  const body = { name: 'queue', seeds, audience: { percent: 5 } };
  const { status, json } = await service.call('POST', '/v1/campaigns', body);
  assert(status === 202, `a campaign is answered with ${status}`);
  return json.id;
}

/** The times are in seconds since 1970. */
async function untilReady(service: BenchService, id: string): Promise<Turn> {
  for (;;) {
    const { json: campaign } = await service.call('GET', `/v1/campaigns/${id}`);
    assert(campaign.state !== 'failed', `a campaign failed: ${JSON.stringify(campaign.reason)}`);
    if (campaign.state === 'ready') {
      const timings = campaign.timings as Readonly<Record<string, number>>;
      const created = Date.parse(campaign.created_at) / 1000;
      const whole = Object.values(timings).reduce((sum, seconds) => sum + seconds, 0);
      return { begun: created + timings['queued']!, ready: created + whole };
    }
    await sleep(LOOK_EVERY_MS);
  }
}

function reportOf(users: number, measured: readonly Measured[]): Measurement {
  const [[, reference]] = measured as [Measured];
  const expected = orderBy(reference.map(({ begun }) => begun));
  const rows = measured.map(([name, turns], i) => {
    const { inversions, pairs, latest } = compareOrders(expected, orderBy(turns.map(({ begun }) => begun)));
    const waits = turns.map(({ begun }) => begun);
    const slower = turns.map(({ ready }, j) => ready - reference[j]!.ready);
    const differences =
      i === 0 ? ['', '', ''] : [`${inversions} of ${pairs}`, String(latest), `${digits(Math.max(...slower))} s`];
    const last = Math.max(...turns.map(({ ready }) => ready));
    return [name, `${digits(last)} s`, `${digits(Math.max(...waits))} s`, ...differences];
  });
  const head = [`${reference.length} campaigns`, 'all ready', 'longest wait', 'inversions', 'places', 'later'];
  return {
    lines: [
      ...markdownTable(head, rows),
      '',
      ...wrapped(
        `Campaigns of ${users.toLocaleString('en')} users with ${SEEDS[0]} to ${SEEDS.at(-1)} seeds, posted while the ` +
          `engines stood still; the embedded service has ${THREADS} threads, the engines have ${THREADS / ENGINES} ` +
          'each. `longest wait` is the time from the first claim until the last one. `inversions` are pairs of ' +
          'campaigns that the embedded service began in the other order, `places` is how many places later a campaign ' +
          'began at most, and `later` how much later it was ready at most. Several campaigns run at a time, so ' +
          'neighbours change places.',
      ),
    ],
    figures: Object.fromEntries(
      measured.flatMap(([name, turns]) => [
        [`${name}: begun`, turns.map(({ begun }) => begun)],
        [`${name}: ready`, turns.map(({ ready }) => ready)],
      ]),
    ),
  };
}

/** Pairs of campaigns whose order differs, and the largest move. */
interface OrderDifference {
  readonly inversions: number;
  readonly pairs: number;
  /** Maximum number of places by which a campaign comes later than in the reference. */
  readonly latest: number;
}

/** Compares two orders of the same campaigns. */
function compareOrders(reference: readonly number[], order: readonly number[]): OrderDifference {
  const place = new Map(reference.map((campaign, i) => [campaign, i]));
  const places = order.map((campaign) => place.get(campaign)!);
  let inversions = 0;
  for (const [i, first] of places.entries())
    for (const second of places.slice(i + 1)) if (first > second) inversions += 1;
  return {
    inversions,
    pairs: (order.length * (order.length - 1)) / 2,
    latest: Math.max(0, ...places.map((expected, i) => i - expected)),
  };
}

/** The numbers of campaigns in the order of some times. */
function orderBy(times: readonly number[]): number[] {
  return times.map((_, i) => i).sort((a, b) => times[a]! - times[b]! || a - b);
}
