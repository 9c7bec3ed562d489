/** Metrics of the engine, which the engine reports in its heartbeats. */
import type { Registry } from 'prom-client';
import type { EngineStatus } from '../../service/ports/health.ts';
import { addCopyMetrics } from './copy-metrics.ts';
import { counter, gauge } from './read-metrics.ts';

/**
 * Adds the metrics of the engine. Metrics of a running engine are omitted while no engine is running, and all are if
 * this process has none.
 */
export function addEngineMetrics(engine: () => EngineStatus, registers: Registry[]): void {
  gauge('metaheac_engine_ready', '1 while the engine takes jobs.', registers, [], (self) => {
    const { ready, isElsewhere } = engine();
    if (isElsewhere) self.remove();
    else self.set(ready ? 1 : 0);
  });
  gauge('metaheac_engine_info', 'The device of the running engine.', registers, ['device'], (self) => {
    self.reset();
    const { ready, detail, isElsewhere } = engine();
    if (ready && !isElsewhere) self.set({ device: detail }, 1);
  });
  counter('metaheac_engine_restarts_total', 'Number of times the engine was restarted.', registers, [], (self) => {
    self.inc(engine().restarts);
  });
  const killed = 'Number of times the engine was killed and restarted because it stopped responding.';
  counter('metaheac_engine_hung_total', killed, registers, [], (self) => {
    self.inc(engine().hung ?? 0);
  });
  counter('metaheac_users_scored_total', 'Number of users scored for expansions.', registers, [], (self) => {
    self.inc(engine().usersScored ?? 0);
  });
  fromHeartbeat('heartbeat_age_seconds', "Time since the engine's last heartbeat.", ({ ageMs }) => ageMs / 1000);
  fromHeartbeat('threads', 'Number of threads of the engine.', ({ threads }) => threads);
  fromHeartbeat('expanding', 'Number of expansions that the engine is working on.', ({ expanding }) => expanding);
  fromHeartbeat(
    'loop_lag_seconds',
    "Maximum delay of the engine's event loop between two heartbeats.",
    ({ loopLagSeconds }) => loopLagSeconds,
  );
  fromHeartbeat(
    'user_sides_stored',
    'Number of segments of the population whose user sides are stored.',
    ({ userSides }) => userSides?.stored ?? null,
  );
  fromHeartbeat(
    'user_sides_missing',
    'Number of segments whose user sides are not stored (yet), so each expansion computes them.',
    ({ userSides }) => userSides?.missing ?? null,
  );
  fromHeartbeat(
    'refused_models',
    'Number of models whose scores on this processor differ from those of other engines of the cluster.',
    ({ refusedModels }) => refusedModels.length,
  );
  function fromHeartbeat(
    name: string,
    help: string,
    value: (heartbeat: NonNullable<EngineStatus['heartbeat']>) => number | null,
  ): void {
    gauge(`metaheac_engine_${name}`, help, registers, [], (self) => {
      const { heartbeat } = engine();
      const measured = heartbeat ? value(heartbeat) : null;
      if (measured === null) self.remove();
      else self.set(measured);
    });
  }
}

/** Adds the counts of an engine of a cluster, which has copies of the cluster's data on its host. */
export function addEngineCopyMetrics(engine: () => EngineStatus, registers: Registry[]): void {
  if (!engine().isElsewhere) addCopyMetrics('metaheac_engine', () => engine().heartbeat?.copies ?? null, registers);
}
