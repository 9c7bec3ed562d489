/** Shows what the special category and the four-fifths rule of an audience cost, by size. */
import type { QualityReport } from '../../api/types.ts';
import { Badge } from '../../ui/badge.tsx';
import { Section } from '../../ui/facts.tsx';
import { counted, formatCount, formatInterval, formatNumber, formatShare } from '../../ui/format.ts';
import { inOrder } from '../../ui/in-order.ts';
import { type Column, Table } from '../../ui/table.tsx';
import { featureTitle, valueWords } from '../../ui/words.ts';
import { reachAt } from './reach.ts';

type Price = NonNullable<QualityReport['four_fifths']>;
type PriceAtSize = Price['sizes'][number];
type Groups = PriceAtSize['groups'];

/** The least ratio that meets the rule. */
const LEAST_RATIO = 0.8;
/** Number of groups up to which they are shown at once. */
const FEW_GROUPS = 12;

interface SpecialPriceProps {
  readonly report: QualityReport;
  /** Number of people in the chosen audience. */
  readonly size: number;
}

export function SpecialPrice({ report, size }: SpecialPriceProps) {
  const { excluded, four_fifths: price } = report;
  if (excluded === null && price === null) return null;
  return (
    <div class="special-price">
      {excluded === null ? null : <Exclusion {...{ report, excluded, size }} />}
      {price === null ? null : <FourFifths {...{ price, size }} />}
    </div>
  );
}

interface ExclusionProps extends SpecialPriceProps {
  readonly excluded: NonNullable<QualityReport['excluded']>;
}

function Exclusion({ report: { curve, candidates }, excluded, size }: ExclusionProps) {
  const { category, features, past_campaigns: campaigns } = excluded;
  const without = [...features.map(featureTitle), ...(campaigns > 0 ? [counted(campaigns, 'past campaign')] : [])];
  const whole = curve.flatMap(({ recall_with_all_features: recall, ...point }) =>
    recall === null ? [] : [{ ...point, recall, recall_with_all_features: null }],
  );
  return (
    <Section title={`Cost of the category ${featureTitle(category)}`} lead={`Not used: ${without.join(', ')}.`}>
      {whole.length === 0 ? (
        <p class="muted">There is no prediction of the cost, because too few customers match the filters.</p>
      ) : (
        <p>
          An audience of {formatCount(size)} people is expected to reach{' '}
          {formatInterval(reachAt(curve, candidates, size).recall, formatShare)} of all people like your customers. With
          all features, it would reach {formatInterval(reachAt(whole, candidates, size).recall, formatShare)}.
        </p>
      )}
    </Section>
  );
}

function FourFifths({ price: { feature, sizes }, size }: { readonly price: Price; readonly size: number }) {
  const distance = (other: number) => Math.abs(Math.log(other / size));
  const nearest = sizes.toSorted((a, b) => distance(a.size) - distance(b.size))[0];
  return (
    <Section
      title={`Price of the four-fifths rule for ${featureTitle(feature)}`}
      lead={
        'The rate of a group is the share of its people who are in the audience. The ratio is the lowest rate divided ' +
        'by the highest; the rule requires 80%. The expected reach above refers to the order before the change.'
      }
    >
      <Table
        caption="Rates and scores by size, before and after the change"
        rows={sizes}
        rowKey={({ share }) => String(share)}
        columns={PRICE_COLUMNS}
      />
      {nearest === undefined ? null : <GroupTable groups={nearest.groups} size={nearest.size} feature={feature} />}
    </Section>
  );
}

const PRICE_COLUMNS: readonly Column<PriceAtSize>[] = [
  { key: 'size', title: 'Audience', cell: ({ size }) => `${formatCount(size)} people` },
  { key: 'before', title: 'Ratio before', isNumber: true, cell: ({ ratio_before: ratio }) => formatShare(ratio) },
  {
    key: 'after',
    title: 'Ratio after',
    isNumber: true,
    cell: ({ ratio }) => (ratio < LEAST_RATIO ? <Badge tone="warn">{formatShare(ratio)}</Badge> : formatShare(ratio)),
  },
  {
    key: 'score-before',
    title: 'Mean score before',
    isNumber: true,
    cell: ({ mean_score_before: score }) => formatNumber(score),
  },
  { key: 'score', title: 'Mean score after', isNumber: true, cell: ({ mean_score: score }) => formatNumber(score) },
];

interface GroupTableProps {
  readonly groups: Groups;
  readonly size: number;
  readonly feature: string;
}

function GroupTable({ groups, size, feature }: GroupTableProps) {
  const title = `Groups in an audience of ${formatCount(size)} people`;
  return (
    <details open={groups.length <= FEW_GROUPS}>
      <summary>{title}</summary>
      <Table
        caption={title}
        rows={inOrder(groups, ({ token }) => token) ?? groups}
        rowKey={({ token }) => token}
        columns={[
          { key: 'group', title: featureTitle(feature), cell: ({ token }) => valueWords(token) },
          { key: 'before', title: 'People before', isNumber: true, cell: ({ before }) => formatCount(before) },
          { key: 'after', title: 'People after', isNumber: true, cell: ({ users }) => formatCount(users) },
        ]}
      />
    </details>
  );
}
