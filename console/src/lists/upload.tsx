/** Uploads a list after a preview, which shows how many users the service knows. */
import { useEffect, useState } from 'preact/hooks';
import { Button } from '../ui/button.tsx';
import { formatShare } from '../ui/format.ts';
import { messageOf } from '../ui/message.ts';
import { Progress } from '../ui/progress.tsx';
import { Drop } from './drop.tsx';
import { type IdFormat, USER_IDS } from './identifiers.ts';
import { UserList } from './list.ts';
import { Outcome } from './outcome.tsx';
import { Reading } from './reading.tsx';
import { type Report, type Send, sendIds } from './send-ids.ts';

interface UploadProps {
  readonly label: string;
  readonly hint: string;
  /** The kind of ids that `preview` and `commit` send; user IDs by default. */
  readonly format?: IdFormat;
  /** Reports how many ids of a piece are known, without changing anything. */
  readonly preview: Send;
  readonly commit: Send;
  /** Text of the button; null if there is nothing to do. */
  readonly actionOf: (report: Report) => string | null;
  /** Text which says that nothing has been changed yet. */
  readonly note: string;
  readonly kind?: 'primary' | 'danger';
  readonly onDone: (report: Report) => void;
}

type State = { readonly share: number } | { readonly error: unknown } | null;

export function Upload({
  label,
  hint,
  format = USER_IDS,
  preview,
  commit,
  actionOf,
  note,
  kind = 'primary',
  onDone,
}: UploadProps) {
  const [list] = useState(() => {
    const made = new UserList({ send: () => preview, preview: () => preview, kept: null });
    made.format.value = format;
    return made;
  });
  const [state, setState] = useState<State>(null);
  useEffect(() => () => list.stop(), [list]);
  const now = list.state.value;
  const isSending = state !== null && 'share' in state;
  const use = async () => {
    const [source, layout] = [list.source.peek(), list.layout.peek()];
    if (source === null || layout === null) return;
    setState({ share: 0 });
    try {
      const following = { ...QUIETLY, onSent: (share: number) => setState({ share }) };
      const report = await sendIds(source.file, layout, commit, following);
      setState(null);
      list.clear();
      onDone(report);
    } catch (error) {
      setState({ error });
    }
  };
  const choose = (file: File) => {
    setState(null);
    void list.choose({ name: file.name, file, isText: false });
  };
  const action = now.kind === 'done' ? actionOf(now.report) : null;
  return (
    <div class="upload">
      {now.kind === 'empty' ? <Drop label={label} hint={hint} onFile={choose} /> : null}
      <Outcome
        list={list}
        noun="people"
        onClear={isSending ? null : () => list.clear()}
        actions={now.kind === 'done' ? <Use {...{ state, action, note, kind }} onUse={use} /> : null}
      />
      {isSending ? null : <Reading list={list} />}
    </div>
  );
}

/** Options for sending the list once it is used, which cannot be stopped. */
const QUIETLY = { signal: new AbortController().signal, onUser: () => {} };

interface UseProps extends Pick<UploadProps, 'note' | 'kind'> {
  readonly state: State;
  readonly action: string | null;
  readonly onUse: () => void;
}

function Use({ state, action, note, kind = 'primary', onUse }: UseProps) {
  if (state !== null && 'share' in state)
    return (
      <div role="status">
        <Progress label="Sending the list" value={state.share} />
        <span class="muted small">{formatShare(state.share)} sent</span>
      </div>
    );
  return (
    <>
      {state === null ? null : (
        <p class="field-error" role="alert">
          {messageOf(state.error)}
        </p>
      )}
      <p class="muted">{action === null ? 'This list has no IDs to use.' : note}</p>
      {action === null ? null : (
        <Button kind={kind} onClick={onUse}>
          {action}
        </Button>
      )}
    </>
  );
}
