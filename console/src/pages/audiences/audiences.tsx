/** The list of audiences, updated live, with search, filters, sort orders and actions on several audiences. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import { useConsole } from '../../console.ts';
import { hrefOf } from '../../router.ts';
import { Button, ButtonLink } from '../../ui/button.tsx';
import { Page } from '../../ui/page.tsx';
import { Empty, Failed, Loading } from '../../ui/states.tsx';
import { Table } from '../../ui/table.tsx';
import { Bulk } from './bulk.tsx';
import { choicesOf, choose, isFiltered, sortingOf, sortOf } from './choices.ts';
import { columnsAt } from './columns.tsx';
import { DeleteDrafts, isUntitled, useExpiry } from './drafts.tsx';
import { Filters } from './filters.tsx';
import type { Choices, Found } from './load.ts';
import { createSelection, type Selection } from './selection.ts';
import { useCampaigns } from './use-campaigns.ts';
import { useRowKeys } from './use-row-keys.ts';
import './audiences.css';

const PAGE_SIZE = 50;

export function Audiences() {
  const { session, router } = useConsole();
  const choices = choicesOf(router.place.value);
  const [count, setCount] = useState(PAGE_SIZE);
  const { data, error, refresh } = useCampaigns(choices, count);
  const mayWrite = session.may('write');
  const selection = useMemo(createSelection, []);
  useRowKeys();
  useExpiry(refresh);
  // rows that the user no longer sees must not stay selected
  const key = JSON.stringify(choices);
  useEffect(() => selection.set([...selection.ids.peek()], false), [key]);
  // typing or choosing does not redraw the rows until the response has arrived, because there may be hundreds of rows
  const { list, isEmpty } = useMemo(() => {
    if (data === undefined) return { list: null, isEmpty: false };
    const onMore = () => setCount((before) => before + PAGE_SIZE);
    const props = { choices, onMore, found: data, selection: mayWrite ? selection : null };
    return { list: <List {...props} />, isEmpty: !isFiltered(choices) && !data.campaigns.length };
  }, [data]);
  return (
    <Page
      title="Audiences"
      lead="The people in your population who are most like your customers."
      actions={
        mayWrite && !isEmpty ? (
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
      {mayWrite && data !== undefined ? (
        <Bulk {...{ selection }} campaigns={data.campaigns} onChange={refresh} />
      ) : null}
      {list !== null ? list : error !== undefined ? <Failed error={error} onRetry={refresh} /> : <Loading />}
    </Page>
  );
}

interface ListProps {
  readonly found: Found;
  readonly choices: Choices;
  readonly selection: Selection | null;
  readonly onMore: () => void;
}

function List({ found: { campaigns, hasMore }, choices, selection, onMore }: ListProps) {
  const { time, router } = useConsole();
  if (campaigns.length === 0) return isFiltered(choices) ? <NoneFits /> : <None />;
  const { words, ...sorting } = sortingOf(choices);
  return (
    <>
      <Table
        caption={`Audiences, ${words}`}
        columns={columnsAt(time.now(), selection, campaigns)}
        rows={campaigns}
        rowKey={({ id }) => id}
        given={{ sorting, onSort: (next) => choose(router, { sort: sortOf(next) }) }}
      />
      <div class="list-foot">
        <span class="muted small keys">
          <kbd>j</kbd> <kbd>k</kbd> to move, <kbd>Enter</kbd> to open, <kbd>/</kbd> to search
          {selection === null ? null : (
            <>
              , <kbd>x</kbd> to select
            </>
          )}
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
