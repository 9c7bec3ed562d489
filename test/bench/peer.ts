/** The PyTorch peer: a Python file that prints its measurements, run by its path. */
import { spawnSync } from 'node:child_process';
import type { BenchOptions } from './report.ts';

/** Figures of one run of the peer. */
interface PeerFigures {
  /** Users scored per second, at its best batch size. */
  readonly usersPerSecond: number;
  /** Seconds of an Adam step of 512 rows on all parameters, and with frozen tables. */
  readonly denseStep: number;
  readonly frozenStep: number;
  /** Seconds of a second-order meta step of 5 tasks of 512 + 512 rows. */
  readonly metaStep: number;
}

const LIMIT_MS = 300_000;
/** The Python that runs the peer. */
const PYTHON = '/usr/bin/python3';

/** Runs the peer once; null, with a loud note, if it is not given or does not run. */
function runPeer({ peer, note }: Pick<BenchOptions, 'peer' | 'note'>): PeerFigures | null {
  if (peer === null) return missing(note, 'no --peer FILE was given');
  const { status, stdout, stderr, error } = spawnSync(PYTHON, [peer], { encoding: 'utf8', timeout: LIMIT_MS });
  if (error || status !== 0) return missing(note, error?.message ?? stderr.trim().split('\n').at(-1) ?? 'it failed');
  const all = (pattern: RegExp) => [...stdout.matchAll(pattern)].map(([, value]) => Number(value));
  const scores = all(/^score B \d+ users\/s (\S+)$/gm);
  const [dense] = all(/^adapt step \(dense.*\) s (\S+)$/gm);
  const [frozen] = all(/^adapt step \(frozen.*\) s (\S+)$/gm);
  const meta = all(/^meta step .* s (\S+)$/gm);
  if (scores.length === 0 || dense === undefined || frozen === undefined || meta.length === 0)
    return missing(note, 'it printed other lines than expected');
  return { usersPerSecond: Math.max(...scores), denseStep: dense, frozenStep: frozen, metaStep: Math.min(...meta) };
}

/**
 * A way of `interleave`: one figure of a run of the peer. Runs it now; the first call returns what this run measured.
 * null, with a loud note, if the peer is missing.
 */
export function peerWay(
  options: Pick<BenchOptions, 'peer' | 'note'>,
  of: (figures: PeerFigures) => number,
): (() => Promise<number>) | null {
  let first = runPeer(options);
  if (first === null) return null;
  return async () => {
    const figures = first ?? runPeer(options);
    first = null;
    if (figures === null) throw new Error('the peer ran once and does not run again');
    return of(figures);
  };
}

function missing(note: BenchOptions['note'], why: string): null {
  note(`*** PyTorch is MISSING, and ratios to it are left out: ${why}`);
  return null;
}
