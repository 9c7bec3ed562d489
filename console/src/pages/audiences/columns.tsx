/** The columns of the list of audiences. */
import type { Campaign } from '../../api/types.ts';
import { hrefOf } from '../../router.ts';
import { Badge } from '../../ui/badge.tsx';
import { counted, formatAgo, formatCount, formatDuration, formatShare, formatTime } from '../../ui/format.ts';
import { Progress } from '../../ui/progress.tsx';
import type { Column } from '../../ui/table.tsx';
import { daysLeft, isUntitled } from './drafts.tsx';
import type { Selection } from './selection.ts';
import { isRunning, reasonOf, VERDICTS, wordOf } from './words.ts';

/** Number of characters that are sufficient to identify a version. */
const SHORT_VERSION = 7;

/** `selection` is null if the user may not act on the rows. */
export function columnsAt(
  now: number,
  selection: Selection | null,
  rows: readonly Campaign[],
): readonly Column<Campaign>[] {
  const ids = rows.map(({ id }) => id);
  return [
    {
      key: 'name',
      title: 'Audience',
      cell: (campaign) => <Name {...{ campaign, selection, ids }} />,
      directions: ['ascending', 'descending'],
    },
    {
      key: 'state',
      title: 'Status',
      cell: (campaign) => <State campaign={campaign} now={now} />,
      // the API's names of states, which the page replaces
      directions: ['other'],
    },
    { key: 'size', title: 'Size', isNumber: true, cell: Size },
    { key: 'quality', title: 'Quality', cell: Quality },
    { key: 'version', title: 'Version', cell: Version },
    {
      key: 'created',
      title: 'Created',
      cell: ({ created_at: at }) => <Ago {...{ at, now }} />,
      directions: ['descending', 'ascending'],
    },
    {
      key: 'updated',
      title: 'Updated',
      cell: ({ updated_at: at }) => <Ago {...{ at, now }} />,
      directions: ['descending'],
    },
  ];
}

function Ago({ at, now }: { readonly at: string; readonly now: number }) {
  return (
    <time dateTime={at} title={formatTime(at)} class="quiet">
      {formatAgo(at, now)}
    </time>
  );
}

interface NameProps {
  readonly campaign: Campaign;
  readonly selection: Selection | null;
  /** The ids of all rows, of which a click with Shift selects several. */
  readonly ids: readonly string[];
}

function Name({ campaign: { id, name, external_id: externalId, labels }, selection, ids }: NameProps) {
  const facts = [externalId, ...Object.entries(labels).map(([key, text]) => `${key}: ${text}`)].filter(Boolean);
  return (
    <div class="named-row">
      {selection === null ? null : <Select {...{ id, name, selection, ids }} />}
      <div>
        <a class="row-link" href={hrefOf(['audiences', id])} data-row>
          {name}
        </a>
        {facts.length > 0 ? <div class="muted small">{facts.join(' · ')}</div> : null}
      </div>
    </div>
  );
}

interface SelectProps {
  readonly id: string;
  readonly name: string;
  readonly selection: Selection;
  readonly ids: readonly string[];
}

function Select({ id, name, selection, ids }: SelectProps) {
  return (
    <label class="select">
      <input
        type="checkbox"
        aria-label={`Select ${name}`}
        checked={selection.ids.value.has(id)}
        onClick={({ currentTarget, shiftKey }) => selection.setTo(id, currentTarget.checked, shiftKey ? ids : null)}
      />
    </label>
  );
}

function State({ campaign, now }: { readonly campaign: Campaign; readonly now: number }) {
  const { progress, eta_seconds: seconds, reason } = campaign;
  const { text, tone } = wordOf(campaign);
  if (!isRunning(campaign))
    return (
      <div>
        <Badge tone={tone}>{text}</Badge>
        {isUntitled(campaign) ? <div class="muted small">{expiryWords(campaign, now)}</div> : null}
        {reason !== null && tone !== 'good' ? <div class="muted small reason">{reasonOf(reason)}</div> : null}
      </div>
    );
  return (
    <div class="running">
      <Badge tone={tone}>{text}</Badge>
      <Progress label={`${campaign.name}: ${text}`} value={progress} />
      <div class="muted small">
        {formatShare(progress)}
        {seconds === null ? null : `, ${formatDuration(seconds)} left`}
      </div>
    </div>
  );
}

/** Text that says when an untitled draft will be deleted. */
function expiryWords(draft: Campaign, now: number): string {
  const days = daysLeft(draft, now);
  return days === 0 ? 'will be deleted today' : `will be deleted in ${counted(days, 'day')}`;
}

function Size({ size, candidates }: Campaign) {
  if (size === null) return <span class="muted none">–</span>;
  return (
    <div>
      {formatCount(size)}
      {candidates ? <div class="muted small">of {formatCount(candidates)}</div> : null}
    </div>
  );
}

function Quality({ quality }: Campaign) {
  if (!quality?.prediction) return <span class="muted none">–</span>;
  const { text, tone } = VERDICTS[quality.prediction.verdict];
  return <Badge tone={tone}>{text}</Badge>;
}

function Version({ audience_version: version, model_version: model, needs_expansion: isOld }: Campaign) {
  if (version === null) return <span class="muted none">–</span>;
  return (
    <div>
      {version}
      {isOld ? <span class="muted"> (needs a rebuild)</span> : null}
      {model === null ? null : (
        <div class="muted small quiet">
          model <span class="mono">{model.slice(0, SHORT_VERSION)}</span>
        </div>
      )}
    </div>
  );
}
