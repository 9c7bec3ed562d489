/** The columns of the list of models. */
import type { ModelCheck, ModelVersion } from '../../api/types.ts';
import { hrefOf } from '../../router.ts';
import { Badge, type Tone } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { formatAgo, formatBytes, formatTime } from '../../ui/format.ts';
import type { Column } from '../../ui/table.tsx';

/** An action on a model version. */
export interface Act {
  readonly kind: 'activate' | 'rollback';
  readonly version: string;
}

export const CHECKS: Readonly<Record<ModelCheck['state'], { readonly text: string; readonly tone: Tone }>> = {
  checking: { text: 'Being checked', tone: 'busy' },
  served: { text: 'Passed', tone: 'good' },
  refused: { text: 'Refused', tone: 'bad' },
};

/** Returns the columns. Without `onAct`, no actions are offered. */
export function columnsOf(onAct: ((act: Act) => void) | null, now: number): readonly Column<ModelVersion>[] {
  const columns: Column<ModelVersion>[] = [
    {
      key: 'version',
      title: 'Version',
      sortBy: ({ version }) => version,
      cell: ({ version, name }) => (
        <>
          <a class="mono" href={hrefOf(['models'], { version })}>
            {version}
          </a>
          <div class="muted small">{name}</div>
        </>
      ),
    },
    {
      key: 'state',
      title: 'Status',
      cell: State,
      sortBy: ({ served, check }) => (served ? '' : (check?.state ?? 'kept')),
    },
    {
      key: 'trained',
      title: 'Trained',
      cell: ({ created_at: at }) => <Ago at={at} now={now} />,
      sortBy: ({ created_at: at }) => at,
    },
    {
      key: 'put',
      title: 'Added',
      cell: ({ published_at: at }) => <Ago at={at} now={now} />,
      sortBy: ({ published_at: at }) => at,
    },
    {
      key: 'bytes',
      title: 'Size',
      isNumber: true,
      cell: ({ bytes }) => formatBytes(bytes),
      sortBy: ({ bytes }) => bytes,
    },
  ];
  if (onAct === null) return columns;
  const Offer = ({ version, served }: ModelVersion) => {
    const kind = served ? 'rollback' : 'activate';
    const word = served ? 'Roll back' : 'Activate';
    return (
      <Button onClick={() => onAct({ kind, version })} aria-label={`${word} ${version}`}>
        {word}
      </Button>
    );
  };
  return [...columns, { key: 'act', title: 'Action', cell: Offer }];
}

function State({ served, check }: ModelVersion) {
  if (served) return <Badge tone="good">In use</Badge>;
  if (check === null || check.state === 'served') return <Badge tone="neutral">Kept</Badge>;
  const { text, tone } = CHECKS[check.state];
  return <Badge tone={tone}>{text}</Badge>;
}

function Ago({ at, now }: { readonly at: string; readonly now: number }) {
  return (
    <time dateTime={at} title={formatTime(at)}>
      {formatAgo(at, now)}
    </time>
  );
}
