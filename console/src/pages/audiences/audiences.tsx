/** The list of audiences: live, with search and filters. */
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
import { Filters } from './filters.tsx';
import { type Found, loadCampaigns } from './load.ts';
import { useRowKeys } from './use-row-keys.ts';
import { isRunning, STATES } from './words.ts';
import './audiences.css';

const PAGE_SIZE = 50;
/** While something runs, and while nothing does. */
const LIVE_MS = 1_000;
const CALM_MS = 10_000;

export function Audiences() {
  const { api, router, session } = useConsole();
  const { search, state, label } = router.place.value.query;
  const [count, setCount] = useState(PAGE_SIZE);
  const wanted = { search, label, count, state: isState(state) ? state : undefined };
  const { data, error, refresh } = usePolled((signal) => loadCampaigns(api, wanted, signal), {
    ...{ key: JSON.stringify(wanted), keepsLast: true },
    everyMs: (found) => (found?.campaigns.some(isRunning) ? LIVE_MS : CALM_MS),
  });
  useRowKeys();
  const isFiltered = Boolean(search || state || label);
  // hundreds of rows: what is typed or chosen draws none of them again before its answer is there
  const { list, isEmpty } = useMemo(() => {
    if (data === undefined) return { list: null, isEmpty: false };
    const onMore = () => setCount((before) => before + PAGE_SIZE);
    return { list: <List {...{ isFiltered, onMore }} found={data} />, isEmpty: !isFiltered && !data.campaigns.length };
  }, [data]);
  return (
    <Page
      title="Audiences"
      lead="People of your population who are most like a list of your customers."
      actions={
        session.may('write') && !isEmpty ? (
          <ButtonLink kind="primary" href={hrefOf(['audiences', 'new'])}>
            New audience
          </ButtonLink>
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
          <kbd>j</kbd> <kbd>k</kbd> move, <kbd>Enter</kbd> opens, <kbd>/</kbd> searches
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
      title="No audience yet"
      actions={
        session.may('write') ? (
          <>
            <ButtonLink kind="primary" href={hrefOf(['audiences', 'new'])}>
              Make the first one
            </ButtonLink>
            <ButtonLink href={hrefOf(['audiences', 'new'], { sample: '1' })}>Try it with sample customers</ButtonLink>
          </>
        ) : null
      }
    >
      <p>
        Bring a list of customer ids. In a moment you see how many others like them there are, and how sure that is.
      </p>
    </Empty>
  );
}

function NoneFits() {
  return (
    <Empty title="No audience fits" actions={<ButtonLink href={hrefOf(['audiences'])}>Show all</ButtonLink>}>
      <p>Another word, or fewer filters, may find it.</p>
    </Empty>
  );
}

function isState(text: string | undefined): text is CampaignState {
  return text !== undefined && Object.hasOwn(STATES, text);
}
