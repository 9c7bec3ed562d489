/** The people of the audience, best first: a million rows of which those in view are loaded, and a look-up by id. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { type Api, call } from '../../api/client.ts';
import { ApiError } from '../../api/errors.ts';
import type { Campaign } from '../../api/types.ts';
import { useConsole } from '../../console.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { TextField } from '../../ui/field.tsx';
import { formatCount } from '../../ui/format.ts';
import { Failed } from '../../ui/states.tsx';

const PAGE = 200;
const ROW_PX = 36;
/** Rows beyond the view that are drawn, so that scrolling shows no gaps. */
const SPARE = 10;

interface Member {
  readonly rank: number;
  readonly user_id: string;
  readonly score: number;
}

export function Members({ campaign }: { readonly campaign: Campaign }) {
  return (
    <>
      <LookUp id={campaign.id} />
      <MemberTable key={`${campaign.id} ${campaign.audience_version}`} campaign={campaign} />
    </>
  );
}

type Found =
  | { readonly kind: 'member'; readonly rank: number; readonly score: number }
  | { readonly kind: 'other' }
  | { readonly kind: 'unknown' };

async function lookUp(api: Api, id: string, user: string): Promise<Found> {
  try {
    const params = { path: { id, user_id: user } };
    const found = await call(api.GET('/v1/campaigns/{id}/audience/members/{user_id}', { params }));
    if (!found.member || found.rank === undefined || found.score === undefined) return { kind: 'other' };
    return { kind: 'member', rank: found.rank, score: found.score };
  } catch (error) {
    if (error instanceof ApiError && error.code === 'user_not_found') return { kind: 'unknown' };
    throw error;
  }
}

function LookUp({ id }: { readonly id: string }) {
  const { api, toasts } = useConsole();
  const [user, setUser] = useState('');
  const [found, setFound] = useState<{ readonly user: string; readonly is: Found } | null>(null);
  const ask = async (event: Event) => {
    event.preventDefault();
    const wanted = user.trim();
    if (wanted === '') return;
    try {
      setFound({ user: wanted, is: await lookUp(api, id, wanted) });
    } catch (error) {
      toasts.say(error instanceof Error ? error.message : String(error), 'bad');
    }
  };
  return (
    <form class="look-up" onSubmit={ask}>
      <TextField
        label="Is somebody in it?"
        value={user}
        onValue={setUser}
        input={{ placeholder: 'Id of a user', autocomplete: 'off', spellcheck: false }}
      />
      <Button type="submit">Look up</Button>
      <p class="look-up-answer" role="status">
        {found === null ? null : <Answer user={found.user} found={found.is} />}
      </p>
    </form>
  );
}

function Answer({ user, found }: { readonly user: string; readonly found: Found }) {
  if (found.kind === 'member')
    return (
      <>
        <Badge tone="good">In the audience</Badge> {user} is number {formatCount(found.rank)}, score{' '}
        {found.score.toFixed(4)}.
      </>
    );
  if (found.kind === 'other')
    return (
      <>
        <Badge tone="neutral">Not in it</Badge> {user} is in your population, but not in this audience.
      </>
    );
  return (
    <>
      <Badge tone="warn">Unknown</Badge> {user} is not in your population.
    </>
  );
}

function MemberTable({ campaign: { size } }: { readonly campaign: Campaign }) {
  const count = size ?? 0;
  const { rows, want, error } = useMembers();
  const view = useRef<HTMLDivElement>(null);
  const [first, setFirst] = useState(0);
  const [shown, setShown] = useState(20);
  useEffect(() => {
    if (view.current !== null) setShown(Math.ceil(view.current.clientHeight / ROW_PX));
  }, []);
  const from = Math.max(0, first - SPARE);
  const to = Math.min(rows.length, count, first + shown + SPARE);
  // what is below the view is loaded before it is reached
  useEffect(() => want(Math.min(count, first + shown + PAGE)), [first, shown, count]);
  if (error !== undefined && rows.length === 0) return <Failed error={error} onRetry={() => want(PAGE)} />;
  return (
    <section
      ref={view}
      class="members"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
      tabIndex={0}
      aria-label={`${formatCount(count)} members, best first`}
      onScroll={({ currentTarget }) => setFirst(Math.floor(currentTarget.scrollTop / ROW_PX))}
    >
      <table class="member-table" aria-rowcount={count + 1}>
        <thead>
          <tr>
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
          <Gap rows={from} />
          {rows.slice(from, to).map(({ rank, user_id: user, score }) => (
            <tr key={rank} aria-rowindex={rank + 1}>
              <td class="number">{formatCount(rank)}</td>
              <td class="mono">{user}</td>
              <td class="number">{score.toFixed(4)}</td>
            </tr>
          ))}
          <Gap rows={rows.length - to} />
        </tbody>
      </table>
    </section>
  );
}

/** As high as the rows that are not drawn. */
function Gap({ rows }: { readonly rows: number }) {
  if (rows <= 0) return null;
  return (
    <tr>
      <td colSpan={3} style={{ height: `${rows * ROW_PX}px`, padding: 0, border: 0 }} />
    </tr>
  );
}

/** The first members, page after page: `want(n)` loads until there are n. */
function useMembers() {
  const { api, router } = useConsole();
  const id = router.place.value.segments[1]!;
  const [rows, setRows] = useState<readonly Member[]>([]);
  const [error, setError] = useState<unknown>();
  const state = useRef({ rows: [] as readonly Member[], cursor: undefined as string | null | undefined, goal: 0 });
  const busy = useRef(false);
  const gone = useRef(false);
  useEffect(() => {
    gone.current = false;
    return () => {
      gone.current = true;
    };
  }, []);
  const load = async () => {
    if (busy.current) return;
    busy.current = true;
    try {
      while (!gone.current && state.current.rows.length < state.current.goal && state.current.cursor !== null) {
        const { cursor } = state.current;
        const query = { limit: PAGE, ...(cursor ? { cursor } : {}) };
        const page = await call(api.GET('/v1/campaigns/{id}/audience', { params: { path: { id }, query } }));
        state.current.rows = [...state.current.rows, ...page.items];
        state.current.cursor = page.next_cursor;
        setRows(state.current.rows);
        setError(undefined);
      }
    } catch (cause) {
      setError(cause);
    } finally {
      busy.current = false;
    }
  };
  const want = (goal: number) => {
    state.current.goal = Math.max(state.current.goal, goal);
    void load();
  };
  return { rows, error, want };
}
