/** The bar above the list that acts on the selected audiences, and the result of the last action. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { patiently } from '../../api/patiently.ts';
import type { Campaign } from '../../api/types.ts';
import { useConsole } from '../../console.ts';
import { hrefOf } from '../../router.ts';
import { Button } from '../../ui/button.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { counted, formatCount } from '../../ui/format.ts';
import { messageOf } from '../../ui/message.ts';
import { type BulkAction, CANCEL, DELETE, REBUILD } from './bulk-actions.ts';
import { type Outcome, runAll } from './run-all.ts';
import type { Selection } from './selection.ts';

interface BulkResult extends Outcome<Campaign> {
  readonly action: BulkAction;
}

/** Number of names that the confirmation of a deletion shows. */
const SHOWN_NAMES = 5;

interface BulkProps {
  /** The loaded rows. Selected rows that are not loaded are left alone. */
  readonly campaigns: readonly Campaign[];
  readonly selection: Selection;
  readonly onChange: () => void;
}

export function Bulk({ campaigns, selection, onChange }: BulkProps) {
  const { api } = useConsole();
  const [progress, setProgress] = useState<string | null>(null);
  const [result, setResult] = useState<BulkResult | null>(null);
  /** The audiences to delete, as selected when the dialog was opened. */
  const [toDelete, setToDelete] = useState<readonly Campaign[]>([]);
  const isAsking = toDelete.length > 0;
  const selectAll = useRef<HTMLInputElement>(null);
  const outcome = useRef<HTMLElement>(null);
  // the button that had the focus may be gone
  useEffect(() => {
    if (result !== null && !isAsking) outcome.current?.focus();
  }, [result, isAsking]);

  const run = async (action: BulkAction, wanted: readonly Campaign[]) => {
    setResult(null);
    const onProgress = (ended: number) =>
      setProgress(`${action.doing}: ${formatCount(ended)} of ${formatCount(wanted.length)} …`);
    onProgress(0);
    const ended = await runAll(wanted, (campaign) => patiently(() => action.request(api, campaign)), onProgress);
    setProgress(null);
    setResult({ action, ...ended });
    // failed audiences stay selected for another attempt
    const done = ended.done.map(({ id }) => id);
    selection.set(done, false);
    onChange();
  };
  const selected = campaigns.filter(({ id }) => selection.ids.value.has(id));
  return (
    <>
      <div class="bulk" hidden={campaigns.length === 0}>
        <SelectAll {...{ campaigns, selected, selection, progress }} box={selectAll} />
        {selected.length > 0 ? (
          <div class="actions">
            {[REBUILD, CANCEL, DELETE].map((action) => {
              const wanted = selected.filter(action.suits);
              return (
                <Button
                  key={action.title}
                  kind={action === DELETE ? 'danger' : 'plain'}
                  disabled={wanted.length === 0 || progress !== null}
                  onClick={() => (action === DELETE ? setToDelete(wanted) : run(action, wanted))}
                >
                  {action.title} ({formatCount(wanted.length)})
                </Button>
              );
            })}
          </div>
        ) : null}
      </div>
      {result === null ? null : (
        <section class="bulk-result" aria-label="Result" tabIndex={-1} ref={outcome}>
          <Result result={result} />
          <Button
            onClick={() => {
              setResult(null);
              selectAll.current?.focus();
            }}
          >
            Close
          </Button>
        </section>
      )}
      <Confirm
        title={`Delete ${counted(toDelete.length, 'audience')}?`}
        isOpen={isAsking}
        kind="danger"
        action={`Delete ${counted(toDelete.length, 'audience')}`}
        onConfirm={() => run(DELETE, toDelete)}
        onClose={() => setToDelete([])}
      >
        <ul class="bulk-names">
          {toDelete.slice(0, SHOWN_NAMES).map(({ id, name }) => (
            <li key={id}>{name}</li>
          ))}
          {toDelete.length > SHOWN_NAMES ? <li>and {formatCount(toDelete.length - SHOWN_NAMES)} more</li> : null}
        </ul>
        <p>
          {progress ??
            'This also deletes their customer lists and all versions of the audiences. This cannot be undone.'}
        </p>
      </Confirm>
    </>
  );
}

interface SelectAllProps extends Pick<BulkProps, 'campaigns' | 'selection'> {
  readonly selected: readonly Campaign[];
  readonly progress: string | null;
  readonly box: { current: HTMLInputElement | null };
}

function SelectAll({ campaigns, selected, selection, progress, box }: SelectAllProps) {
  const isAll = selected.length === campaigns.length;
  useEffect(() => {
    if (box.current !== null) box.current.indeterminate = selected.length > 0 && !isAll;
  });
  const ids = campaigns.map(({ id }) => id);
  return (
    <>
      <label class="select">
        <input
          type="checkbox"
          ref={box}
          checked={isAll}
          onClick={({ currentTarget }) => selection.set(ids, currentTarget.checked)}
        />
        Select all {formatCount(campaigns.length)}
      </label>
      <span class="muted" role="status">
        {progress ?? (selected.length > 0 ? `${formatCount(selected.length)} selected` : '')}
      </span>
    </>
  );
}

function Result({ result: { action, done, failures } }: { readonly result: BulkResult }) {
  return (
    <div>
      {done.length > 0 ? <p>{action.done(counted(done.length, 'audience'))}</p> : null}
      {failures.length > 0 ? (
        <>
          <p class="field-error">{counted(failures.length, 'audience')} failed and stayed selected:</p>
          <ul>
            {failures.map(({ item: { id, name }, error }) => (
              <li key={id}>
                <a href={hrefOf(['audiences', id])}>{name}</a>: {messageOf(error)}
              </li>
            ))}
          </ul>
        </>
      ) : null}
    </div>
  );
}
