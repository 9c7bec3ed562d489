/** Chooses the legal basis for processing the people on a list. */
import { Select } from '../ui/field.tsx';
import { CONSENT_OPTIONS, type ConsentBasis } from './consent.ts';
import type { UserList } from './list.ts';

/** The basis cannot change once a reload of the page has lost the file. */
export function ListBasis({ list }: { readonly list: UserList }) {
  if (list.isLost) return null;
  return (
    <div class="narrow">
      <Select
        label="Legal basis"
        value={list.basis.value}
        onValue={(basis) => list.changeBasis(basis as ConsentBasis | '')}
        options={CONSENT_OPTIONS}
      />
    </div>
  );
}
