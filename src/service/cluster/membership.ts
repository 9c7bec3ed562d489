/** A process's membership in a cluster: sends heartbeats, and knows which other processes there are. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Cluster, Member } from '../../domain/ports/cluster.ts';
import { PACKAGE_VERSION } from '../../lib/package-root.ts';
import type { EngineStatus } from '../ports/health.ts';

const BEAT_EVERY_MS = 2_000;
/** A process that has been silent for this long is forgotten. */
const FORGET_AFTER_MS = 15_000;

export class Membership {
  /** Unique over all hosts and restarts. */
  readonly id = `${hostname()}:${process.pid}:${randomUUID()}`;
  readonly #cluster: Cluster;
  readonly #kind: Member['kind'];
  readonly #isReady: () => boolean;
  readonly #timer: NodeJS.Timeout;
  #members: readonly Member[] = [];
  #isAsking = false;

  constructor(cluster: Cluster, kind: Member['kind'], isReady: () => boolean) {
    this.#cluster = cluster;
    this.#kind = kind;
    this.#isReady = isReady;
    this.#timer = setInterval(() => void this.#beat(), BEAT_EVERY_MS);
    this.#timer.unref();
    void this.#beat();
  }

  /** The processes whose recent heartbeats this process has read. */
  members(): readonly Member[] {
    return this.#members;
  }

  /**
   * The status of the cluster's engines, for a node that has none of its own. Such a node counts as ready: it can
   * answer requests without an engine, and expansions wait until there is one.
   */
  engines(): EngineStatus {
    const engines = this.#members.filter(({ kind }) => kind === 'engine');
    const ready = engines.filter(({ isReady }) => isReady).length;
    const detail =
      engines.length === 0
        ? 'no engine has joined the cluster: expansions wait'
        : `${ready} of ${engines.length} engines of the cluster are ready`;
    return { ready: true, detail, restarts: 0, isElsewhere: true };
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    // if the database is unreachable, the other processes forget this one after a while
    await this.#cluster.leave(this.id).catch(() => {});
  }

  async #beat(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      const own = { id: this.id, kind: this.#kind, host: hostname(), release: PACKAGE_VERSION };
      await this.#cluster.heartbeat({ ...own, isReady: this.#isReady() }, FORGET_AFTER_MS);
      this.#members = await this.#cluster.members();
    } catch {
      // an outage is reported elsewhere
    } finally {
      this.#isAsking = false;
    }
  }
}
