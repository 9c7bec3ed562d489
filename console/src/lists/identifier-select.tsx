/** Chooses the kind of ids in a list, from user IDs and the identifiers that the population has. */
import { call } from '../api/client.ts';
import type { CurrentPopulation } from '../api/types.ts';
import { usePolled } from '../api/use-polled.ts';
import { useConsole } from '../console.ts';
import { Select, TextField } from '../ui/field.tsx';
import { type IdFormat, labelTitle, USER_IDS } from './identifiers.ts';
import type { UserList } from './list.ts';
import './lists.css';

/** The types and rules of identifiers that the population has; empty until they are loaded. */
export function useIdentifiers() {
  const { api } = useConsole();
  const { data } = usePolled((signal) => call(api.GET('/v1/populations/current', { signal })), {
    key: 'identifiers',
    everyMs: () => null,
  });
  return data?.identifiers ?? [];
}

interface IdentifierSelectProps {
  readonly value: IdFormat;
  readonly onValue: (format: IdFormat) => void;
}

/** Shows nothing if the population has no identifiers. */
export function IdentifierSelect({ value, onValue }: IdentifierSelectProps) {
  const offered = useIdentifiers();
  if (offered.length === 0) return null;
  const { label: chosen, isHashed, countryCode } = value;
  return (
    <div class="id-format">
      <LabelSelect
        offered={offered}
        value={chosen}
        onValue={(label) => onValue(label === null ? USER_IDS : { ...value, label })}
      />
      {chosen === null ? null : (
        <Select
          label="Values"
          value={isHashed ? 'hashed' : 'plain'}
          onValue={(now) => onValue({ ...value, isHashed: now === 'hashed' })}
          options={[
            { value: 'plain', label: 'Plain; the service hashes them' },
            { value: 'hashed', label: 'Already hashed by this rule' },
          ]}
        />
      )}
      {chosen?.type === 'phone' && !isHashed ? (
        <TextField
          label="Country code"
          hint="For numbers without one, such as 1 or 49."
          value={countryCode}
          onValue={(text) => onValue({ ...value, countryCode: text.replaceAll(/\D/g, '').slice(0, MOST_DIGITS) })}
          input={{ inputMode: 'numeric', autocomplete: 'off' }}
        />
      ) : null}
    </div>
  );
}

type Label = IdFormat['label'];

interface LabelSelectProps {
  readonly offered: CurrentPopulation['identifiers'];
  readonly value: Label;
  readonly onValue: (label: Label) => void;
}

/** Chooses user IDs or a type and rule of identifiers. */
export function LabelSelect({ offered, value, onValue }: LabelSelectProps) {
  const choose = (title: string) => {
    const found = offered.find((one) => labelTitle(one) === title);
    onValue(found === undefined ? null : { type: found.type, rule: found.rule });
  };
  return (
    <Select
      label="Kind of IDs"
      value={value === null ? '' : labelTitle(value)}
      onValue={choose}
      options={[
        { value: '', label: 'User IDs' },
        ...offered.map((one) => ({ value: labelTitle(one), label: labelTitle(one) })),
      ]}
    />
  );
}

/** Maximum number of digits of a country code. */
const MOST_DIGITS = 3;

/** The kind of ids in a list that is being chosen. It cannot change once a reload of the page has lost the file. */
export function ListFormat({ list }: { readonly list: UserList }) {
  if (list.isLost) return null;
  return <IdentifierSelect value={list.format.value} onValue={(format) => list.changeFormat(format)} />;
}
