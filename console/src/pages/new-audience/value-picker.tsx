/** Input for existing values of a feature, with a search and the number of people who have each value. */
import { useEffect, useId, useState } from 'preact/hooks';
import { usePolled } from '../../api/use-polled.ts';
import { useConsole } from '../../console.ts';
import { Button } from '../../ui/button.tsx';
import { TextField } from '../../ui/field.tsx';
import { formatCount } from '../../ui/format.ts';
import { messageOf } from '../../ui/message.ts';

export interface FoundValues {
  readonly items: readonly { readonly value: string; readonly users?: number }[];
  readonly hasMore: boolean;
}

interface PickerProps {
  /** The feature's name. */
  readonly label: string;
  /** Whether at most one value may be chosen. */
  readonly isSingle: boolean;
  readonly chosen: readonly string[];
  readonly known: number;
  readonly onChange: (chosen: readonly string[]) => void;
  readonly load: (search: string, limit: number, signal: AbortSignal) => Promise<FoundValues>;
  readonly isOpen?: boolean;
  readonly error?: string | undefined;
}

const PAGE = 50;
const PAUSE_MS = 200;
/** Minimum number of values for which there is a search. */
const FEW = 12;

export function ValuePicker(props: PickerProps) {
  const { label, chosen, known, isOpen = false, error } = props;
  const [wasOpened, setWasOpened] = useState(isOpen);
  return (
    <details
      class="picker"
      open={isOpen || error !== undefined}
      onToggle={({ currentTarget }) => currentTarget.open && setWasOpened(true)}
    >
      <summary>
        <span class="picker-name">{label}</span>
        <span class="picker-chosen muted">
          {chosen.length > 0 ? chosen.join(', ') : `${formatCount(known)} values`}
        </span>
      </summary>
      {wasOpened ? <Choice {...props} /> : null}
      {error === undefined ? null : (
        <div class="field-error" role="alert">
          {error}
        </div>
      )}
    </details>
  );
}

function Choice({ label, isSingle, chosen, known, onChange, load }: PickerProps) {
  const { page } = useConsole();
  const [text, setText] = useState('');
  const [search, setSearch] = useState('');
  const [limit, setLimit] = useState(PAGE);
  useEffect(() => {
    const timer = page.setTimeout(() => setSearch(text), PAUSE_MS);
    return () => page.clearTimeout(timer);
  }, [text]);
  const { data, error, refresh } = usePolled((signal) => load(search, limit, signal), {
    key: `${search} ${limit}`,
    everyMs: () => null,
  });
  const found = data?.items ?? [];
  // chosen values stay visible even if they do not match the search
  const others = chosen.filter((value) => found.every((item) => item.value !== value));
  return (
    <div class="choice">
      {known > FEW ? (
        <TextField
          label={`Find in ${label}`}
          isLabelHidden
          value={text}
          onValue={setText}
          input={{ type: 'search', placeholder: 'Find', autocomplete: 'off' }}
        />
      ) : null}
      <Options {...{ label, isSingle, chosen, onChange }} items={[...others.map((value) => ({ value })), ...found]} />
      {error !== undefined ? (
        <div class="field-error" role="alert">
          {messageOf(error)} <Button onClick={refresh}>Try again</Button>
        </div>
      ) : null}
      {data !== undefined && found.length === 0 ? <p class="muted small">No matching values.</p> : null}
      <div class="actions">
        {data?.hasMore ? <Button onClick={() => setLimit(limit + 4 * PAGE)}>Show more</Button> : null}
        {chosen.length > 0 ? <Button onClick={() => onChange([])}>Clear</Button> : null}
      </div>
    </div>
  );
}

interface OptionsProps extends Pick<PickerProps, 'label' | 'isSingle' | 'chosen' | 'onChange'> {
  readonly items: FoundValues['items'];
}

function Options({ label, isSingle, chosen, onChange, items }: OptionsProps) {
  const id = useId();
  const toggle = (value: string, isOn: boolean) => {
    if (isSingle) onChange([value]);
    else onChange(isOn ? [...chosen, value] : chosen.filter((each) => each !== value));
  };
  return (
    <fieldset class="options">
      <legend class="visually-hidden">{label}</legend>
      {items.map(({ value, users }) => (
        <label key={value} class="option">
          <input
            type={isSingle ? 'radio' : 'checkbox'}
            name={id}
            checked={chosen.includes(value)}
            onChange={({ currentTarget }) => toggle(value, currentTarget.checked)}
          />
          <span class="option-value">{value}</span>
          {users === undefined ? null : <span class="muted small">{formatCount(users)}</span>}
        </label>
      ))}
    </fieldset>
  );
}
