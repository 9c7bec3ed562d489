/** The list of audiences, updated live, with search and filters. */
import { useMemo, useState } from 'preact/hooks';
import type { CampaignState } from '../../api/types.ts';
import { usePolled } from '../../api/use-polled.ts';
import { useConsole } from '../../console.ts';
import { hrefOf } from '../../router.ts';
import { Button, ButtonLink } from '../../ui/button.tsx';
import { Page } from '../../ui/page.tsx';
import { Empty, Failed, Loading } from '../../ui/states.tsx';
import { Table } from '../../ui/table.tsx';
import { columnsAt } from './columns.tsx';
import { DeleteDrafts, isUntitled, useExpiry } from './drafts.tsx';
import { Filters } from './filters.tsx';
import { type Found, loadCampaigns } from './load.ts';
import { useRowKeys } from './use-row-keys.ts';
import { isRunning, STATES } from './words.ts';
import './audiences.css';

const PAGE_SIZE = 50;
/** Polling intervals while an expansion runs, and while none runs. */
const LIVE_MS = 1_000;
const CALM_MS = 10_000;

export function Audiences() {
  const { api, router, session } = useConsole();
  const { search, state, label } = router.place.value.query;
  const [count, setCount] = useState(PAGE_SIZE);
  const wanted = { search, label, count, state: isState(state) ? state : undefined };
  const { data, error, refresh } = usePolled((signal) => loadCampaigns(api, wanted, signal), {
    key: JSON.stringify(wanted),
    keepsLast: true,
    everyMs: (found) => (found?.campaigns.some(isRunning) ? LIVE_MS : CALM_MS),
  });
  useRowKeys();
  useExpiry(refresh);
  const isFiltered = Boolean(search || state || label);
  // typing or choosing does not redraw the rows until the response has arrived, because there may be hundreds of rows
  const { list, isEmpty } = useMemo(() => {
    if (data === undefined) return { list: null, isEmpty: false };
    const onMore = () => setCount((before) => before + PAGE_SIZE);
    return { list: <List {...{ isFiltered, onMore }} found={data} />, isEmpty: !isFiltered && !data.campaigns.length };
  }, [data]);
  return (
    <Page
      title="Audiences"
      lead="The people in your population who are most like your customers."
      actions={
        session.may('write') && !isEmpty ? (
          <>
            {data?.campaigns.some(isUntitled) ? <DeleteDrafts onDeleted={refresh} /> : null}
            <ButtonLink kind="primary" href={hrefOf(['audiences', 'new'])}>
              New audience
            </ButtonLink>
          </>
        ) : null
      }
    >
      {isEmpty ? null : <Filters campaigns={data?.campaigns ?? []} />}
      {list !== null ? list : error !== undefined ? <Failed error={error} onRetry={refresh} /> : <Loading />}
    </Page>
  );
}

interface ListProps {
  readonly found: Found;
  readonly isFiltered: boolean;
  readonly onMore: () => void;
}

function List({ found: { campaigns, hasMore }, isFiltered, onMore }: ListProps) {
  const { time } = useConsole();
  if (campaigns.length === 0) return isFiltered ? <NoneFits /> : <None />;
  return (
    <>
      <Table
        caption="Audiences, newest first"
        columns={columnsAt(time.now())}
        rows={campaigns}
        rowKey={({ id }) => id}
      />
      <div class="list-foot">
        <span class="muted small keys">
          <kbd>j</kbd> <kbd>k</kbd> to move, <kbd>Enter</kbd> to open, <kbd>/</kbd> to search
        </span>
        {hasMore ? <Button onClick={onMore}>Show more</Button> : null}
      </div>
    </>
  );
}

function None() {
  const { session } = useConsole();
  return (
    <Empty
      title="No audiences yet"
      actions={
        session.may('write') ? (
          <>
            <ButtonLink kind="primary" href={hrefOf(['audiences', 'new'])}>
              Create your first audience
            </ButtonLink>
            <ButtonLink href={hrefOf(['audiences', 'new'], { sample: '1' })}>Try it with sample customers</ButtonLink>
          </>
        ) : null
      }
    >
      <p>
        Start with a list of customer IDs. Within seconds, you see how many people are like your customers, and how
        reliable the forecast is.
      </p>
    </Empty>
  );
}

function NoneFits() {
  return (
    <Empty title="No matching audiences" actions={<ButtonLink href={hrefOf(['audiences'])}>Clear filters</ButtonLink>}>
      <p>Try another word or fewer filters.</p>
    </Empty>
  );
}

function isState(text: string | undefined): text is CampaignState {
  return text !== undefined && Object.hasOwn(STATES, text);
}
