/** How long nodes go on with what is no longer true, after another process was told of a change. */
import { setTimeout as sleep } from 'node:timers/promises';
import { processorWaitMs } from '../../fixture/processes.ts';
import type { Station } from './station.ts';

const PAUSE_MS = 20;
/** A node that serves the change only after this time, or not at all, is listed with this time. */
const LONGEST_MS = 20_000;

/** Asks a node whether it knows of the change. @throws if it does not answer */
type Ask = (node: Station) => Promise<boolean>;

/** How long a node went on with the former state, in milliseconds. */
export interface Lag {
  readonly ms: number;
  /** The part of it during which the node's threads did not wait for a processor, which other work may occupy. */
  readonly ownMs: number;
}

export class Freshness {
  readonly #nodes: readonly Station[];
  readonly #lags: Lag[] = [];
  readonly #late: string[] = [];

  constructor(nodes: readonly Station[]) {
    this.#nodes = nodes;
  }

  /** Of nodes that nothing disturbed. */
  get lags(): readonly Lag[] {
    return this.#lags;
  }

  /** Nodes that nothing disturbed and that were late. */
  get late(): readonly string[] {
    return this.#late;
  }

  /**
   * Asks all nodes until they know of a change that was acknowledged at `since` (of `performance.now`). The last
   * request that was still answered with the former state shows the delay. Nodes that were disturbed meanwhile do not
   * count.
   */
  async watch(what: string, ask: Ask, since: number, limitMs: number): Promise<void> {
    await Promise.all(
      this.#nodes.map(async (node) => {
        const lag = await lagOf(node, ask, since);
        if (!node.isCalmSince(since)) return;
        this.#lags.push(lag);
        const [ms, ownMs] = [Math.round(lag.ms), Math.round(lag.ownMs)];
        if (ownMs > limitMs)
          this.#late.push(
            `${node.member.name} knows of "${what}" after ${ms} ms, ${ms - ownMs} of them without a processor`,
          );
      }),
    );
  }
}

async function lagOf(node: Station, ask: Ask, since: number): Promise<Lag> {
  const { pid } = node.member;
  const waited = () => (pid === null ? 0 : processorWaitMs(pid));
  const before = waited();
  for (let lag: Lag = { ms: 0, ownMs: 0 }; ; ) {
    const ms = performance.now() - since;
    const ownMs = Math.max(0, ms - (waited() - before));
    const isKnown = await ask(node).catch(() => null);
    if (isKnown === true || ms > LONGEST_MS) return lag;
    // the answer may have been made at any time since the request
    if (isKnown === false) lag = { ms, ownMs };
    await sleep(PAUSE_MS);
  }
}
