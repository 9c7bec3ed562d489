/** Shows the progress of a list, the number of known users, and probable faults of the unknown ids. */
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { call } from '../api/client.ts';
import { useConsole } from '../console.ts';
import { Button } from '../ui/button.tsx';
import { formatCount, formatShare } from '../ui/format.ts';
import { messageOf } from '../ui/message.ts';
import { Progress } from '../ui/progress.tsx';
import { describeMatch } from './identifiers.ts';
import type { UserList } from './list.ts';
import { ENCODINGS } from './read/encoding.ts';
import { SEPARATORS } from './read/records.ts';
import type { Report } from './send-ids.ts';
import './lists.css';

interface OutcomeProps {
  readonly list: UserList;
  /** Name of the people on the list: "customers" or "people". */
  readonly noun: string;
  /** Removes the list; null while the list cannot be removed. */
  readonly onClear: (() => void) | null;
  /** Buttons for actions on the list. */
  readonly actions?: ComponentChildren;
}

export function Outcome({ list, noun, onClear, actions }: OutcomeProps) {
  const state = list.state.value;
  const name = list.source.value?.name ?? list.kept.value?.name;
  if (state.kind === 'empty') return null;
  return (
    <div class="outcome">
      <div class="outcome-head">
        <strong class="outcome-name">{name}</strong>
        <Button onClick={() => onClear?.()} disabled={onClear === null}>
          Remove
        </Button>
      </div>
      {state.kind === 'asks' ? (
        <p class="outcome-warn">Which column has the IDs? Choose it below.</p>
      ) : state.kind === 'sending' ? (
        <Sending share={state.share} read={state.report?.received ?? 0} />
      ) : state.kind === 'failed' ? (
        <Failure error={state.error} onRetry={() => void list.send()} />
      ) : (
        <Done list={list} report={state.report} noun={noun} />
      )}
      {actions}
    </div>
  );
}

function Sending({ share, read }: { readonly share: number; readonly read: number }) {
  return (
    <div role="status">
      <Progress label="Sending the list" value={share} />
      <span class="muted small">
        {formatShare(share)} sent, {formatCount(read)} IDs checked
      </span>
    </div>
  );
}

function Failure({ error, onRetry }: { readonly error: unknown; readonly onRetry: () => void }) {
  return (
    <div class="outcome-bad" role="alert">
      <p>{messageOf(error)}</p>
      <Button onClick={onRetry}>Try again</Button>
    </div>
  );
}

interface DoneProps {
  readonly list: UserList;
  readonly report: Report;
  readonly noun: string;
}

function Done({ list, report, noun }: DoneProps) {
  const { known, unknown, duplicate, empty, outside } = report;
  const facts = [
    outside > 0 ? `${formatCount(outside)} outside the population` : null,
    unknown > 0 ? `${formatCount(unknown)} unknown` : null,
    duplicate > 0 ? `${formatCount(duplicate)} duplicate` : null,
    empty > 0 ? `${formatCount(empty)} rows without an ID` : null,
  ].filter(Boolean);
  return (
    <div role="status">
      <p>
        <strong>{formatCount(known)}</strong> {noun} matched{facts.length > 0 ? `, ${facts.join(', ')}` : null}.
      </p>
      <Matches list={list} report={report} />
      <ReadAs list={list} />
      {known + outside === 0 ? <Nobody examples={report.examples} /> : null}
      <Hints list={list} report={report} />
    </div>
  );
}

/** The match rate by type and rule. In a dry run, all identifiers have the type and rule of the list. */
function Matches({ list, report }: { readonly list: UserList; readonly report: Report }) {
  const { label } = list.format.value;
  const { known, unknown, identifiers } = report;
  const users = known + unknown;
  const own = { users, known_percent: users === 0 ? 0 : Math.floor((1000 * known) / users) / 10 };
  const matches = identifiers.length === 0 && label !== null ? [{ ...label, ...own }] : identifiers;
  return (
    <>
      {matches.map(describeMatch).map(({ name, value, note }) => (
        <p key={name} class="muted small">
          {name}: {value} {note}.
        </p>
      ))}
    </>
  );
}

/** Tells the user that a file in an unusual format could be read. */
function ReadAs({ list }: { readonly list: UserList }) {
  const layout = list.layout.value;
  if (layout === null) return null;
  const { encoding, separator } = layout;
  const isOdd = encoding !== 'utf-8' || separator === ';' || separator === '\t' || separator === '|';
  if (!isOdd) return null;
  const by =
    separator === 'none' || separator === 'json' ? '' : `, separated by ${SEPARATORS[separator].toLowerCase()}`;
  return (
    <p class="muted small">
      The file was read as {ENCODINGS[encoding]}
      {by}. You do not need to convert it.
    </p>
  );
}

function Hints({ list, report }: { readonly list: UserList; readonly report: Report }) {
  return (
    <>
      {report.hints.map(({ found, users, example }) => (
        <div key={found} class="outcome-warn">
          <p>
            {formatCount(users)} unknown: {HINTS[found]} For example <code>{example}</code>
          </p>
          {found === 'spaces' && list.source.value !== null ? (
            <Button onClick={() => list.change({ trims: true })}>Ignore the spaces</Button>
          ) : null}
        </div>
      ))}
    </>
  );
}

const HINTS: Readonly<Record<Report['hints'][number]['found'], string>> = {
  json_lines: 'these IDs are lines of JSON. Choose “JSON Lines” below.',
  header: 'this ID is the name of a column. Tick “First row is a header” below.',
  utf16: 'these IDs are in another encoding. Choose UTF-16 below.',
  spaces: 'these IDs would match without the spaces around them.',
  quotes:
    'these IDs would match without the quotes around them. If you choose a separator below, the quotes are removed.',
  columns: 'these are whole rows, and one column contains IDs that match. Choose the separator below.',
};

/** Shows examples of ids in the population and of the sent ids, if no sent id is known. */
function Nobody({ examples }: { readonly examples: readonly string[] }) {
  const { api } = useConsole();
  const [own, setOwn] = useState<readonly string[]>([]);
  useEffect(() => {
    call(api.GET('/v1/populations/current/sample', { params: { query: { size: 3 } } })).then(
      ({ user_ids: ids }) => setOwn(ids),
      () => {},
    );
  }, [api]);
  return (
    <div class="outcome-bad" role="alert">
      <p>
        None of these IDs is in your population. Your list has <Ids ids={examples.slice(0, 3)} />
        {own.length > 0 ? (
          <>
            ; the population has <Ids ids={own} />
          </>
        ) : null}
        .
      </p>
      <p>Your IDs may be in another column, or come from another system.</p>
    </div>
  );
}

function Ids({ ids }: { readonly ids: readonly string[] }) {
  return (
    <>
      {ids.map((id, i) => (
        <>
          {i > 0 ? ', ' : null}
          <code>{id.slice(0, 40)}</code>
        </>
      ))}
    </>
  );
}
