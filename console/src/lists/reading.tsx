/** Shows the beginning of a file as a table, with settings for reading that the user can correct. */
import { Select } from '../ui/field.tsx';
import { formatCount } from '../ui/format.ts';
import type { UserList } from './list.ts';
import { ENCODINGS, type Encoding } from './read/encoding.ts';
import type { Layout, Preview } from './read/layout.ts';
import { SEPARATORS, type Separator } from './read/records.ts';
import './lists.css';

export function Reading({ list }: { readonly list: UserList }) {
  const layout = list.layout.value;
  const preview = list.preview.value;
  const source = list.source.value;
  if (layout === null || preview === null || source === null) return null;
  // typed ids need no table
  if (source.isText && preview.columns.length <= 1) return null;
  return (
    <details class="reading" open={list.state.value.kind !== 'done' || preview.columns.length > 1}>
      <summary>How the file is read</summary>
      <Choices list={list} layout={layout} preview={preview} />
      <Head preview={preview} column={layout.column} />
    </details>
  );
}

interface ChoicesProps {
  readonly list: UserList;
  readonly layout: Layout;
  readonly preview: Preview;
}

function Choices({ list, layout, preview }: ChoicesProps) {
  const asks = list.state.value.kind === 'asks';
  return (
    <>
      <div class="choices">
        <Select
          label="ID column"
          value={asks ? '' : String(layout.column)}
          onValue={(column) => (column === '' ? undefined : list.change({ column: Number(column) }))}
          options={[
            ...(asks ? [{ value: '', label: 'Choose one' }] : []),
            ...preview.columns.map((label, i) => ({ value: String(i), label })),
          ]}
        />
        <Select
          label="Separator"
          value={layout.separator}
          onValue={(separator) => list.change({ separator: separator as Separator })}
          options={Object.entries(SEPARATORS).map(([value, label]) => ({ value, label }))}
        />
        <Select
          label="Encoding"
          value={layout.encoding}
          onValue={(encoding) => list.change({ encoding: encoding as Encoding })}
          options={Object.entries(ENCODINGS).map(([value, label]) => ({ value, label }))}
        />
      </div>
      {layout.separator === 'json' ? null : (
        <label class="check">
          <input
            type="checkbox"
            checked={layout.hasHeader}
            onChange={({ currentTarget }) => list.change({ hasHeader: currentTarget.checked })}
          />
          First row is a header
        </label>
      )}
    </>
  );
}

function Head({ preview: { columns, rows }, column }: { readonly preview: Preview; readonly column: number }) {
  return (
    <section class="head-rows" aria-label="The beginning of the file">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: scrolling must be possible by keyboard */}
      <div class="scroll" tabIndex={0}>
        <table>
          <caption class="visually-hidden">
            The first {formatCount(rows.length)} rows; the IDs are in {columns[column]}
          </caption>
          <thead>
            <tr>
              {columns.map((name, i) => (
                <th key={i} scope="col" class={i === column ? 'chosen' : undefined}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, r) => (
              <tr key={r}>
                {columns.map((_, i) => (
                  <td key={i} class={i === column ? 'chosen' : undefined}>
                    {row[i] ?? ''}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
