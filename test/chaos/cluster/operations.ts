/** What operators do with the cluster during a run, one after another. */
import type { Rng } from '../../../src/lib/rng.ts';
import type { Eraser } from './eraser.ts';
import type { Schedules } from './schedules.ts';
import type { Switches } from './switches.ts';

interface Operators {
  readonly eraser: Eraser;
  readonly switches: Switches;
  readonly schedules: Schedules;
}

/** Returns false if there was nothing to do, or a fault prevented it. */
type Operation = (operators: Operators, rng: Rng) => Promise<boolean>;

/** Nodes that are starting are given this time; operators wait for them. */
export const NODES_READY_MS = 30_000;

export const OPERATIONS: Readonly<Record<string, Operation>> = {
  'population switched': ({ switches }, rng) => switches.population(rng),
  'model switched': ({ switches }, rng) => switches.model(rng),
  'audience versions grown old': ({ schedules }) => schedules.age(),
  'user erased through the API': ({ eraser }, rng) => eraser.erase('api', rng),
  'user erased by a command': ({ eraser }, rng) => eraser.erase('command', rng),
};
