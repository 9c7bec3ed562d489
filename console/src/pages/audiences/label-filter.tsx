/** Filters by labels. The API does not list all labels, so any label may be entered; loaded rows' are offered. */
import { useId, useRef, useState } from 'preact/hooks';
import type { Campaign } from '../../api/types.ts';
import { Field } from '../../ui/field.tsx';
import { labelOf } from './choices.ts';

interface LabelFilterProps {
  /** Labels as `key=text`, all of which an audience must have. */
  readonly chosen: readonly string[];
  readonly campaigns: readonly Campaign[];
  readonly onChoose: (labels: string[]) => void;
}

export function LabelFilter({ chosen, campaigns, onChoose }: LabelFilterProps) {
  const [text, setText] = useState('');
  const [fault, setFault] = useState<string>();
  const input = useRef<HTMLInputElement>(null);
  const listId = useId();
  const found = campaigns.flatMap(({ labels }) => Object.entries(labels).map((pair) => pair.join('=')));
  const offered = [...new Set(found)].filter((label) => !chosen.includes(label)).sort();
  const add = (entered: string) => {
    const label = offered.includes(entered) ? entered : labelOf(entered);
    if (label === null) return setFault('Write the key and the text: “team: growth”.');
    setText('');
    if (!chosen.includes(label)) onChoose([...chosen, label]);
  };
  return (
    <div class="label-filter">
      <Field label="Label" error={fault}>
        {(control) => (
          <form
            onSubmit={(event) => {
              event.preventDefault();
              if (text.trim() !== '') add(text);
            }}
          >
            <input
              {...control}
              ref={input}
              class="control"
              list={listId}
              placeholder="key: text"
              autocomplete="off"
              value={text}
              onInput={(event) => {
                const { value } = event.currentTarget;
                setText(value);
                setFault(undefined);
                // a choice from the list needs no Enter
                if (isChosen(event) && offered.includes(value)) add(value);
              }}
            />
          </form>
        )}
      </Field>
      <datalist id={listId}>
        {offered.map((label) => (
          <option key={label} value={label} />
        ))}
      </datalist>
      {chosen.length > 0 ? (
        <ul class="chosen-labels" aria-label="Chosen labels">
          {chosen.map((label) => (
            <li key={label}>
              <button
                type="button"
                class="chosen-label"
                aria-label={`Remove the label ${wordsOf(label)}`}
                onClick={() => {
                  onChoose(chosen.filter((each) => each !== label));
                  input.current?.focus();
                }}
              >
                {wordsOf(label)} <span aria-hidden="true">×</span>
              </button>
            </li>
          ))}
        </ul>
      ) : null}
    </div>
  );
}

/** Whether a value came from the list of offered labels. Browsers report this in two ways. */
function isChosen(event: Event): boolean {
  return !(event instanceof InputEvent) || event.inputType === 'insertReplacementText';
}

function wordsOf(label: string): string {
  return label.replace('=', ': ');
}
