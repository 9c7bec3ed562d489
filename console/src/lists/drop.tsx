/** A drop zone for a file, which can also be chosen in a dialog of the browser. */
import { useId, useRef, useState } from 'preact/hooks';
import './lists.css';

interface DropProps {
  readonly label: string;
  readonly hint: string;
  readonly onFile: (file: File) => void;
  readonly isInvalid?: boolean;
  readonly errorId?: string | undefined;
}

/** File types that the dialog offers first. Files of any type may be dropped. */
const ENDINGS = '.csv,.txt,.tsv,.ndjson,.jsonl,text/csv,text/plain,application/x-ndjson';

export function Drop({ label, hint, onFile, isInvalid = false, errorId }: DropProps) {
  const id = useId();
  const [isOver, setIsOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const take = (files: FileList | null | undefined) => {
    const file = files?.[0];
    if (file !== undefined) onFile(file);
    // this allows the user to choose the same file again after changing it
    if (input.current !== null) input.current.value = '';
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is an extra; the input inside works for everybody
    <div
      class={`drop ${isOver ? 'drop-over' : ''}`}
      onDragOver={(event) => {
        event.preventDefault();
        setIsOver(true);
      }}
      onDragLeave={() => setIsOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setIsOver(false);
        take(event.dataTransfer?.files);
      }}
    >
      <input
        ref={input}
        id={id}
        class="drop-input"
        type="file"
        accept={ENDINGS}
        aria-invalid={isInvalid}
        aria-describedby={[`${id}-hint`, errorId].filter(Boolean).join(' ')}
        onChange={({ currentTarget }) => take(currentTarget.files)}
      />
      <label for={id} class="drop-label">
        <span class="drop-action">{label}</span> or drop it here
      </label>
      <div id={`${id}-hint`} class="field-hint">
        {hint}
      </div>
    </div>
  );
}
