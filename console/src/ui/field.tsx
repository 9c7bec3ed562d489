/** A label with its control, a hint and an error, connected for screen readers. */
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

/** Attributes for the control of a field. */
export interface ControlProps {
  readonly id: string;
  readonly 'aria-describedby': string | undefined;
  readonly 'aria-invalid': boolean;
}

interface FieldProps {
  readonly label: string;
  /** Whether only screen readers get the label, because a placeholder or the position is enough for the eye. */
  readonly isLabelHidden?: boolean;
  readonly hint?: ComponentChildren;
  /** The error of the value, which is shown below the control. */
  readonly error?: string | undefined;
  readonly children: (control: ControlProps) => ComponentChildren;
}

export function Field({ label, isLabelHidden = false, hint, error, children }: FieldProps) {
  const id = useId();
  const described = [hint ? `${id}-hint` : null, error ? `${id}-error` : null].filter(Boolean).join(' ');
  return (
    <div class="field">
      <label for={id} class={isLabelHidden ? 'visually-hidden' : 'field-label'}>
        {label}
      </label>
      {children({ id, 'aria-describedby': described || undefined, 'aria-invalid': error !== undefined })}
      {hint ? (
        <div id={`${id}-hint`} class="field-hint">
          {hint}
        </div>
      ) : null}
      {error ? (
        <div id={`${id}-error`} class="field-error" role="alert">
          {error}
        </div>
      ) : null}
    </div>
  );
}

/** Optional attributes of an input. */
interface InputProps {
  readonly type?: 'text' | 'search' | 'password' | 'number';
  readonly inputMode?: 'text' | 'numeric' | 'decimal';
  readonly placeholder?: string;
  readonly autocomplete?: 'off';
  readonly spellcheck?: boolean;
  readonly autofocus?: boolean;
  readonly disabled?: boolean;
  readonly maxLength?: number;
  /** Marks the search field that `use-row-keys.ts` focuses. */
  readonly 'data-search'?: boolean;
}

type TextProps = Omit<FieldProps, 'children'> & {
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly input?: InputProps;
};

/** A field for a line of text. */
export function TextField({ value, onValue, input, ...field }: TextProps) {
  return (
    <Field {...field}>
      {(control) => (
        <Input
          {...input}
          {...control}
          class="control"
          value={value}
          onInput={({ currentTarget }) => onValue(currentTarget.value)}
        />
      )}
    </Field>
  );
}

type WiredInput = ControlProps &
  InputProps & {
    readonly class: string;
    readonly value: string;
    readonly onInput: (event: { readonly currentTarget: HTMLInputElement }) => void;
  };

/** One branch per type, because the compiler allows different roles for each type of input. */
function Input({ type, ...rest }: WiredInput) {
  if (type === 'password') return <input {...rest} type="password" />;
  if (type === 'number') return <input {...rest} type="number" />;
  if (type === 'search') return <input {...rest} type="search" />;
  return <input {...rest} type="text" />;
}

type SelectProps = Omit<FieldProps, 'children'> & {
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly options: readonly { readonly value: string; readonly label: string }[];
};

/** A choice of one of a few options. */
export function Select({ value, onValue, options, ...field }: SelectProps) {
  return (
    <Field {...field}>
      {(control) => (
        <select
          {...control}
          class="control"
          value={value}
          onChange={({ currentTarget }) => onValue(currentTarget.value)}
        >
          {options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
