/** The page of an audience: its build, size, members, versions and actions. */
import { ApiError } from '../../api/errors.ts';
import type { Campaign } from '../../api/types.ts';
import { usePolled } from '../../api/use-polled.ts';
import { useConsole } from '../../console.ts';
import { hrefOf } from '../../router.ts';
import { Badge } from '../../ui/badge.tsx';
import { ButtonLink } from '../../ui/button.tsx';
import { formatCount, formatShare } from '../../ui/format.ts';
import { Page } from '../../ui/page.tsx';
import { Empty, Failed, Loading } from '../../ui/states.tsx';
import { type Tab, Tabs } from '../../ui/tabs.tsx';
import { isRunning, VERDICTS, wordOf } from '../audiences/words.ts';
import { Actions } from './actions.tsx';
import { Cuts } from './cuts.tsx';
import { Definition } from './definition.tsx';
import { Export } from './export.tsx';
import { Lift } from './lift.tsx';
import { type Loaded, loadCampaign } from './load.ts';
import { Members } from './members.tsx';
import { Outcome } from './outcome.tsx';
import { Results } from './results.tsx';
import { Running } from './running.tsx';
import { Size } from './size.tsx';
import { Versions } from './versions.tsx';
import { Who } from './who.tsx';
import './audience.css';
import './charts.css';

const LIVE_MS = 500;
const CALM_MS = 5_000;

const TABS: readonly Tab[] = [
  { key: 'size', title: 'Size' },
  { key: 'who', title: 'Who they are' },
  { key: 'members', title: 'Members' },
  { key: 'cuts', title: 'Cuts and overlap' },
  { key: 'versions', title: 'Versions' },
  { key: 'definition', title: 'Definition' },
  { key: 'export', title: 'Export' },
  { key: 'results', title: 'Results' },
];

export function Audience() {
  const { api, router } = useConsole();
  const id = router.place.value.segments[1]!;
  const { data, error, refresh } = usePolled((signal) => loadCampaign(api, id, signal), {
    key: id,
    everyMs: (loaded) => (loaded !== undefined && isRunning(loaded.campaign) ? LIVE_MS : CALM_MS),
  });
  if (error instanceof ApiError && error.code === 'campaign_not_found') return <NotFound />;
  if (data === undefined)
    return (
      <Page title="Audience">{error === undefined ? <Loading /> : <Failed error={error} onRetry={refresh} />}</Page>
    );
  const { campaign } = data;
  return (
    <Page
      title={campaign.name}
      lead={<Summary campaign={campaign} />}
      actions={<Actions loaded={data} onChange={refresh} />}
    >
      {isRunning(campaign) ? (
        <Running campaign={campaign} onChange={refresh} />
      ) : (
        <Outcome campaign={campaign} onChange={refresh} />
      )}
      {campaign.audience_version === null ? (
        <Definition campaign={campaign} />
      ) : (
        <Parts loaded={data} onChange={refresh} />
      )}
    </Page>
  );
}

function NotFound() {
  return (
    <Page title="Audience not found">
      <Empty
        isAlert
        title="There is no audience with this ID"
        actions={<ButtonLink href={hrefOf(['audiences'])}>Go to audiences</ButtonLink>}
      >
        The audience may have been deleted, or your key may not have access to it.
      </Empty>
    </Page>
  );
}

function Summary({ campaign }: { readonly campaign: Campaign }) {
  const { size, candidates, quality, external_id: externalId, labels } = campaign;
  const { text, tone } = wordOf(campaign);
  const verdict = quality?.prediction?.verdict;
  const facts = [
    size === null ? null : `${formatCount(size)} people`,
    size === null || !candidates
      ? null
      : `${formatShare(size / candidates)} of ${formatCount(candidates)} eligible people`,
    externalId,
    ...Object.entries(labels).map(([key, value]) => `${key}: ${value}`),
  ].filter(Boolean);
  return (
    <span class="summary">
      <Badge tone={tone}>{text}</Badge>
      {verdict ? <Badge tone={VERDICTS[verdict].tone}>{`${VERDICTS[verdict].text} expected quality`}</Badge> : null}
      <span>{facts.join(' · ')}</span>
    </span>
  );
}

function Parts({ loaded, onChange }: { readonly loaded: Loaded; readonly onChange: () => void }) {
  const { router } = useConsole();
  const { segments, query } = router.place.value;
  const tab = TABS.some(({ key }) => key === query['tab']) ? query['tab']! : 'size';
  const { campaign } = loaded;
  const show = (key: string) => router.go(hrefOf(segments, { tab: key }), { replace: true });
  return (
    <Tabs label="Parts of the audience" tabs={TABS} current={tab} onChange={show}>
      {tab === 'size' ? <Size loaded={loaded} onChange={onChange} /> : null}
      {tab === 'who' ? <Who campaign={campaign} /> : null}
      {tab === 'members' ? <Members campaign={campaign} /> : null}
      {tab === 'cuts' ? <Cuts loaded={loaded} onChange={onChange} /> : null}
      {tab === 'versions' ? <Versions campaign={campaign} onChange={onChange} /> : null}
      {tab === 'definition' ? <Definition campaign={campaign} /> : null}
      {tab === 'export' ? <Export campaign={campaign} /> : null}
      {tab === 'results' ? (
        <div class="stack">
          <Lift campaign={campaign} />
          <Results campaign={campaign} />
        </div>
      ) : null}
    </Tabs>
  );
}
