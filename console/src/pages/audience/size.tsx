/** Shows the expected reach of each audience size, and changes the size. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Campaign, QualityReport, Verdict } from '../../api/types.ts';
import { usePolled } from '../../api/use-polled.ts';
import { useConsole } from '../../console.ts';
import { Button } from '../../ui/button.tsx';
import { TextField } from '../../ui/field.tsx';
import { formatCount, formatFactor, formatInterval, formatShare } from '../../ui/format.ts';
import { readWhole } from '../../ui/read-number.ts';
import { Empty, Failed, Loading } from '../../ui/states.tsx';
import { Table } from '../../ui/table.tsx';
import { driftWords, VERDICTS } from '../audiences/words.ts';
import { ChangesNotice } from './changes-notice.tsx';
import { type Loaded, loadQuality } from './load.ts';
import { type Curve, type Reach, reachAt } from './reach.ts';
import { ReachChart } from './reach-chart.tsx';
import { SpecialPrice } from './special-price.tsx';
import { type ChosenSize, useSize } from './use-size.ts';

interface SizeProps {
  readonly loaded: Loaded;
  readonly onChange: () => void;
}

export function Size({ loaded, onChange }: SizeProps) {
  const { api } = useConsole();
  const { id, audience_version: version, candidates } = loaded.campaign;
  const { data, error, refresh } = usePolled((signal) => loadQuality(api, id, signal), {
    key: `${id} ${version}`,
    everyMs: () => null,
  });
  const chosen = useSize(loaded, onChange);
  // another size creates another version with the same report, so the old report is shown until the new report has
  // loaded
  const last = useRef<QualityReport | undefined>(undefined);
  last.current = data ?? last.current;
  const report = last.current;
  if (report === undefined) return error === undefined ? <Loading /> : <Failed error={error} onRetry={refresh} />;
  if (report.curve.length === 0 || !candidates)
    return (
      <>
        <Empty title="No prediction">
          <p>{tooFewOf(loaded.campaign, report) ?? report.reason}</p>
        </Empty>
        <SpecialPrice report={report} size={report.size} />
      </>
    );
  return (
    <>
      <Chooser {...{ chosen, loaded, candidates, report }} curve={report.curve} verdict={report.verdict ?? 'unsure'} />
      <SpecialPrice report={report} size={chosen.size} />
    </>
  );
}

/**
 * Number of customers who match the filters; null if all match. Only matching customers can be held back for a test.
 */
function fittingOf({ filters, excluded }: Campaign, { fitting_seeds: fitting }: QualityReport): number | null {
  const isFiltered = Object.keys(filters).length > 0 && fitting !== null && fitting < (excluded?.seeds ?? 0);
  return isFiltered ? fitting : null;
}

function tooFewOf(campaign: Campaign, report: QualityReport): string | null {
  const fitting = fittingOf(campaign, report);
  return fitting === null
    ? null
    : `Only ${formatCount(fitting)} of your customers match the filters: too few for a prediction.`;
}

interface ChooserProps {
  readonly report: QualityReport;
  readonly chosen: ChosenSize;
  readonly loaded: Loaded;
  readonly candidates: number;
  readonly curve: Curve;
  readonly verdict: Verdict;
}

function Chooser({ chosen, loaded, candidates, report, curve, verdict }: ChooserProps) {
  const fitting = fittingOf(loaded.campaign, report);
  const { session } = useConsole();
  const [isFault, setFault] = useState(false);
  const reach = reachAt(curve, candidates, chosen.size);
  const current = loaded.campaign.size;
  return (
    <div class="size">
      <div class="size-side">
        <SizeField {...{ reach, candidates }} onSize={chosen.choose} onFault={setFault} />
        <Expected reach={reach} />
        <ChangesNotice changes={chosen.changes}>
          Your size is not saved yet. Save your size, or keep the size that is in use now.
        </ChangesNotice>
        {session.may('write') ? (
          <Button
            kind="primary"
            onClick={chosen.use}
            isBusy={chosen.isBusy}
            disabled={isFault || reach.size === current}
          >
            {reach.size === current ? 'Current size' : 'Use this size'}
          </Button>
        ) : null}
      </div>
      <div class="size-main">
        <ReachChart {...{ curve, candidates, reach }} onSize={chosen.choose} />
        <p class="muted small">
          {VERDICTS[verdict].meaning} The line shows the expected value, the band shows the 90% interval, and the dashed
          line shows a random audience. {driftWords(report.drift)}
          {fitting === null
            ? null
            : ` Only the ${formatCount(fitting)} customers who match the filters were used for testing.`}
        </p>
        <Numbers curve={curve} />
      </div>
    </div>
  );
}

interface SizeFieldProps {
  readonly reach: Reach;
  readonly candidates: number;
  readonly onSize: (size: number) => void;
  readonly onFault: (isFault: boolean) => void;
}

/** Input for the size as a number. Input and handle follow each other. */
function SizeField({ reach, candidates, onSize, onFault }: SizeFieldProps) {
  const [text, setText] = useState(String(reach.size));
  const isFit = (size: number | null): size is number => size !== null && size >= 1 && size <= candidates;
  const fault = isFit(readWhole(text)) ? undefined : `Enter a number between 1 and ${formatCount(candidates)}.`;
  // the text is replaced only if the handle was moved, so that text that is being typed stays
  useEffect(() => {
    if (readWhole(text) !== reach.size) setText(String(reach.size));
  }, [reach.size]);
  useEffect(() => onFault(fault !== undefined), [fault]);
  return (
    <TextField
      label="People in the audience"
      value={text}
      onValue={(value) => {
        setText(value);
        const wanted = readWhole(value);
        if (isFit(wanted)) onSize(wanted);
      }}
      error={fault}
      hint={`${formatShare(reach.share)} of ${formatCount(candidates)} eligible people`}
      input={{ inputMode: 'numeric', autocomplete: 'off' }}
    />
  );
}

/** Expected reach of the size in three numbers. */
function Expected({ reach: { recall, lift, random } }: { readonly reach: Reach }) {
  return (
    <dl class="expected" aria-live="polite">
      <div>
        <dt>Look-alikes reached</dt>
        <dd>{formatShare(recall.mean)}</dd>
        <dd class="muted small">
          {formatShare(recall.low)} to {formatShare(recall.high)} of all people like your customers
        </dd>
      </div>
      <div>
        <dt>Compared with a random audience</dt>
        <dd>{formatFactor(lift.mean)}</dd>
        <dd class="muted small">
          {formatFactor(lift.low)} to {formatFactor(lift.high)} as many look-alikes
        </dd>
      </div>
      <div>
        <dt>A random audience would need</dt>
        <dd>{formatCount(Math.round(random.mean))} people</dd>
        <dd class="muted small">
          {formatCount(Math.round(random.low))} to {formatCount(Math.round(random.high))} people for the same reach
        </dd>
      </div>
    </dl>
  );
}

function Numbers({ curve }: { readonly curve: Curve }) {
  return (
    <details>
      <summary>Show the numbers</summary>
      <Table
        caption="Expected reach by size"
        rowKey={({ share }) => String(share)}
        rows={curve}
        columns={[
          {
            key: 'size',
            title: 'People',
            isNumber: true,
            cell: (point) => formatCount(point.size),
            sortBy: ({ size }) => size,
          },
          {
            key: 'share',
            title: 'Share of eligible people',
            isNumber: true,
            cell: (point) => formatShare(point.share),
            sortBy: ({ share }) => share,
          },
          {
            key: 'recall',
            title: 'Look-alikes reached',
            isNumber: true,
            cell: (point) => formatInterval(point.recall, formatShare),
            sortBy: ({ recall }) => recall.mean,
          },
          {
            key: 'lift',
            title: 'Compared with random',
            isNumber: true,
            cell: (point) => formatInterval(point.lift, formatFactor),
            sortBy: ({ lift }) => lift.mean,
          },
        ]}
      />
    </details>
  );
}
