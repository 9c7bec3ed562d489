/** The columns of the list of audiences. */
import type { Campaign } from '../../api/types.ts';
import { hrefOf } from '../../router.ts';
import { Badge } from '../../ui/badge.tsx';
import { counted, formatAgo, formatCount, formatDuration, formatShare, formatTime } from '../../ui/format.ts';
import { Progress } from '../../ui/progress.tsx';
import type { Column } from '../../ui/table.tsx';
import { daysLeft, isUntitled } from './drafts.tsx';
import { isRunning, reasonOf, VERDICTS, wordOf } from './words.ts';

/** Number of characters that are sufficient to identify a version. */
const SHORT_VERSION = 7;

export function columnsAt(now: number): readonly Column<Campaign>[] {
  return [
    { key: 'name', title: 'Audience', cell: Name, sortBy: ({ name }) => name },
    {
      key: 'state',
      title: 'Status',
      cell: (campaign) => <State campaign={campaign} now={now} />,
      sortBy: (campaign) => wordOf(campaign).text,
    },
    { key: 'size', title: 'Size', isNumber: true, cell: Size, sortBy: ({ size }) => size },
    { key: 'quality', title: 'Quality', cell: Quality, sortBy: ({ quality }) => quality?.prediction?.auc?.mean },
    { key: 'version', title: 'Version', cell: Version, sortBy: ({ audience_version: version }) => version },
    {
      key: 'updated',
      title: 'Updated',
      sortBy: ({ updated_at: at }) => at,
      cell: ({ updated_at: at }) => (
        <time dateTime={at} title={formatTime(at)} class="quiet">
          {formatAgo(at, now)}
        </time>
      ),
    },
  ];
}

function Name({ id, name, external_id: externalId, labels }: Campaign) {
  const facts = [externalId, ...Object.entries(labels).map(([key, text]) => `${key}: ${text}`)].filter(Boolean);
  return (
    <>
      <a class="row-link" href={hrefOf(['audiences', id])} data-row>
        {name}
      </a>
      {facts.length > 0 ? <div class="muted small">{facts.join(' · ')}</div> : null}
    </>
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
