/** Charts of expected reach and lift by size. A handle for pointer and keyboard sets the size. */
import { useMemo, useState } from 'preact/hooks';
import type uPlot from 'uplot';
import { formatCount, formatFactor, formatShare, formatTimes } from '../../ui/format.ts';
import { CurvePlot, LOGARITHMIC, type PlaceOf } from './curve-plot.tsx';
import { type Curve, drawnReaches, type Interval, leastShown, type Reach, reachAt } from './reach.ts';

const REACH_PX = 280;
const LIFT_PX = 200;
/** Relative change of the size by an arrow key or a page key. */
const STEP = 0.02;
const LEAP = 0.25;
/** The lowest lift in the chart, because a logarithmic scale has no zero. */
const LEAST_LIFT = 0.1;

interface ReachChartProps {
  readonly curve: Curve;
  readonly candidates: number;
  /** The estimates at the chosen size. */
  readonly reach: Reach;
  readonly onSize: (size: number) => void;
}

export function ReachChart({ curve, candidates, reach, onSize }: ReachChartProps) {
  const { recall, lift } = useMemo(() => chartsOf(drawnReaches(curve, candidates)), [curve, candidates]);
  const least = leastShown(curve);
  const shown = Math.max(least, reach.size);
  const [readSize, onRead] = useState<number | null>(null);
  const read = readSize === null ? null : reachAt(curve, candidates, readSize);
  return (
    <>
      <CurvePlot {...recall} heightPx={REACH_PX} {...{ onSize, onRead }}>
        {(at) => (
          <>
            <Handle {...{ reach, least, candidates, onSize, onRead }} place={at(shown, reach.recall.mean)} />
            {read === null ? null : (
              <Reading
                at={at}
                size={read.size}
                value={read.recall}
                words={(text) => `${text} reached`}
                format={formatShare}
              />
            )}
          </>
        )}
      </CurvePlot>
      <CurvePlot {...lift} heightPx={LIFT_PX} {...{ onSize, onRead }}>
        {(at) => (
          <>
            <div class="reach-handle" aria-hidden="true" style={at(shown, reach.lift.mean)} />
            {read === null ? null : (
              <Reading
                at={at}
                size={read.size}
                value={read.lift}
                words={(text) => `${text} random`}
                format={formatFactor}
              />
            )}
          </>
        )}
      </CurvePlot>
    </>
  );
}

interface ReadingProps {
  readonly at: PlaceOf;
  readonly size: number;
  readonly value: Interval;
  readonly words: (text: string) => string;
  readonly format: (value: number) => string;
}

/** The values of the curve at a size. Screen readers get the same values from the slider. */
function Reading({ at, size, value: { mean, low, high }, words, format }: ReadingProps) {
  const { left } = at(size, mean);
  return (
    <div class="reach-reading small" aria-hidden="true" style={{ '--at': left }}>
      <strong>{formatCount(size)} people</strong>
      <div>{words(format(mean))}</div>
      <div class="muted">
        {format(low)} to {format(high)}
      </div>
    </div>
  );
}

interface HandleProps extends Omit<ReachChartProps, 'curve'> {
  readonly onRead: (size: number | null) => void;
  readonly least: number;
  readonly place: ReturnType<PlaceOf>;
}

function Handle({ reach: { size, recall, lift }, least, candidates, onSize, onRead, place }: HandleProps) {
  const onKeyDown = (event: KeyboardEvent) => {
    const to = sizeAfter(event.key, size, { least, most: candidates });
    if (to === null) return;
    event.preventDefault();
    const kept = Math.min(candidates, Math.max(1, to));
    onSize(kept);
    onRead(kept);
  };
  const [people, reached, factor] = [formatCount(size), formatShare(recall.mean), formatFactor(lift.mean)];
  return (
    <div
      class="reach-handle"
      role="slider"
      tabIndex={0}
      aria-label="People in the audience"
      aria-valuemin={1}
      aria-valuemax={candidates}
      aria-valuenow={size}
      aria-valuetext={`${people} people reach ${reached} of the look-alikes, ${factor} as many as a random audience`}
      style={place}
      onKeyDown={onKeyDown}
      onFocus={() => onRead(size)}
      onBlur={() => onRead(null)}
    />
  );
}

/** Returns the size to which a key moves the handle, or null for other keys. */
function sizeAfter(key: string, size: number, { least, most }: { readonly least: number; readonly most: number }) {
  const by = (share: number) => Math.max(1, Math.round(size * Math.abs(share))) * Math.sign(share);
  const moves: Readonly<Record<string, () => number>> = {
    ArrowRight: () => size + by(STEP),
    ArrowUp: () => size + by(STEP),
    ArrowLeft: () => size + by(-STEP),
    ArrowDown: () => size + by(-STEP),
    PageUp: () => size + by(LEAP),
    PageDown: () => size + by(-LEAP),
    Home: () => least,
    End: () => most,
  };
  return moves[key]?.() ?? null;
}

/** Returns the data of the charts. The object stays the same as long as the curve does not change. */
function chartsOf(reaches: readonly Reach[]) {
  const points = (of: (reach: Reach) => Interval, random: (reach: Reach) => number) => [
    reaches.map(({ size }) => size),
    ...(['high', 'low'] as const).map((key) => reaches.map((reach) => of(reach)[key])),
    reaches.map(random),
    reaches.map((reach) => of(reach).mean),
  ];
  const shares: uPlot.Scale = { range: [0, 1] };
  const lifts = reaches.flatMap(({ lift }) => [lift.low, lift.high]).filter((lift) => lift > 0);
  const factors: uPlot.Scale = {
    distr: LOGARITHMIC,
    range: [Math.min(1, Math.max(LEAST_LIFT, Math.min(...lifts))), Math.max(2, ...lifts)],
  };
  return {
    recall: {
      points: points(
        ({ recall }) => recall,
        ({ share }) => share,
      ),
      y: { label: 'Look-alikes reached', format: formatShare, scale: shares },
    },
    lift: {
      points: points(
        ({ lift }) => ({ ...lift, low: Math.max(LEAST_LIFT, lift.low) }),
        () => 1,
      ),
      y: { label: 'Compared with random', format: formatTimes, scale: factors },
    },
  };
}
