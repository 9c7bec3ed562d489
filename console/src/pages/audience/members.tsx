/**
 * The people in the audience, best first, with a look-up by id. There may be a million rows; only the rows in view are
 * loaded.
 */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Campaign } from '../../api/types.ts';
import { useConsole } from '../../console.ts';
import { Button } from '../../ui/button.tsx';
import { formatCount, formatScore } from '../../ui/format.ts';
import { messageOf } from '../../ui/message.ts';
import { LookUp } from './look-up.tsx';
import { type LoadedMembers, useMembers } from './use-members.ts';
import { placeOf, rowAt, scrollTopOf } from './virtual-rows.ts';

const ROW_PX = 36;
/** Number of rows that are drawn beyond the view, so that scrolling shows no gaps. */
const SPARE = 10;

export function Members({ campaign }: { readonly campaign: Campaign }) {
  const { id, audience_version: version, size } = campaign;
  const [wanted, setWanted] = useState<{ readonly rank: number } | null>(null);
  if (version === null) return null;
  return (
    <>
      <LookUp campaign={campaign} onShow={(rank) => setWanted({ rank })} />
      <MemberTable key={`${id} ${version}`} {...{ id, version, wanted }} count={size ?? 0} />
    </>
  );
}

interface MemberTableProps {
  readonly id: string;
  readonly version: number;
  readonly count: number;
  /** The row to scroll to. A new object with the same row scrolls again. */
  readonly wanted: { readonly rank: number } | null;
}

function MemberTable({ id, version, count, wanted }: MemberTableProps) {
  const view = useRef<HTMLElement>(null);
  const [scrollTop, setScrollTop] = useState(0);
  const [heightPx, setHeightPx] = useState(600);
  useLayoutEffect(() => {
    const element = view.current;
    if (element === null) return;
    const sizes = new ResizeObserver(() => setHeightPx(element.clientHeight));
    sizes.observe(element);
    return () => sizes.disconnect();
  }, []);
  const layout = { count, rowPx: ROW_PX, viewPx: heightPx };
  // this effect depends only on the requested row, so changes of the view do not scroll
  useEffect(() => {
    if (wanted !== null) view.current?.scrollTo({ top: scrollTopOf(layout, wanted.rank - 1) });
  }, [wanted]);
  const exact = rowAt(layout, scrollTop);
  const from = Math.max(0, Math.floor(exact) - SPARE);
  const to = Math.min(count, Math.ceil(exact + heightPx / ROW_PX) + SPARE);
  const members = useMembers({ id, version, from, to });
  const place = placeOf(layout, scrollTop, from);
  return (
    <>
      <Trouble members={members} />
      <section
        ref={view}
        class="members"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: scrolling must be possible by keyboard
        tabIndex={0}
        aria-label={`${formatCount(count)} members, best first`}
        onScroll={({ currentTarget }) => setScrollTop(currentTarget.scrollTop)}
      >
        {/* the header row is as high as the other rows */}
        <div class="members-all" style={{ height: `${place.totalPx + ROW_PX}px` }}>
          <table class="member-table" aria-rowcount={count + 1} style={{ top: `${place.topPx}px` }}>
            <thead>
              <tr aria-rowindex={1}>
                <th scope="col" class="number">
                  Rank
                </th>
                <th scope="col">User</th>
                <th scope="col" class="number">
                  Score
                </th>
              </tr>
            </thead>
            <tbody>
              {Array.from({ length: Math.max(0, to - from) }, (_, i) => (
                <Row key={from + i} rank={from + i + 1} members={members} isMarked={wanted?.rank === from + i + 1} />
              ))}
            </tbody>
          </table>
        </div>
      </section>
    </>
  );
}

interface RowProps {
  readonly rank: number;
  readonly members: LoadedMembers;
  readonly isMarked: boolean;
}

function Row({ rank, members, isMarked }: RowProps) {
  const member = members.at(rank);
  const absent = member === null ? 'erased' : '…';
  return (
    <tr aria-rowindex={rank + 1} class={isMarked ? 'marked' : undefined}>
      <td class="number">{formatCount(rank)}</td>
      <td class={member ? 'mono' : 'muted'} title={member?.user_id}>
        {member ? member.user_id : absent}
      </td>
      <td class="number">{member ? formatScore(member.score) : ''}</td>
    </tr>
  );
}

/** Shows an error above the list, because rows that are already loaded stay visible. */
function Trouble({ members: { error, retry } }: { readonly members: LoadedMembers }) {
  const { connection } = useConsole();
  if (error === undefined || connection.isOffline.value) return null;
  return (
    <p class="trouble" role="alert">
      {messageOf(error)} <Button onClick={retry}>Try again</Button>
    </p>
  );
}
