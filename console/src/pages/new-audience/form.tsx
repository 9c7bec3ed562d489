/** The form for a new audience, with errors at their fields and the forecast beside the form. */
import { useRef, useState } from 'preact/hooks';
import { ApiError } from '../../api/errors.ts';
import { useConsole } from '../../console.ts';
import { hrefOf } from '../../router.ts';
import { ErrorBanner } from '../../ui/banner.tsx';
import { Button, ButtonLink } from '../../ui/button.tsx';
import { TextField } from '../../ui/field.tsx';
import { counted, formatCount } from '../../ui/format.ts';
import { specialFaults } from '../special-rules.ts';
import { Customers } from './customers.tsx';
import { Expectation } from './expectation.tsx';
import { Features } from './features.tsx';
import { Filters } from './filters.tsx';
import { LeaveDialog, useLeaveGuard } from './leave.tsx';
import type { NewAudience } from './model.ts';
import { Negatives } from './negatives.tsx';
import { Refresh } from './refresh.tsx';
import { Size } from './size.tsx';
import { Special } from './special.tsx';
import { Suppression } from './suppression.tsx';
import { useEstimate } from './use-estimate.ts';
import { useSampleCustomers } from './use-sample-customers.tsx';
import { faultsOf, inputsOf } from './values.ts';

const NO_FAULTS = {};
/** Fields that show their own errors; other errors are shown above the button. */
const PLACES = [
  '/name',
  '/seeds',
  '/negatives',
  '/negative_weight',
  '/suppression',
  '/audience',
  '/holdout_percent',
  '/cuts',
  '/features',
  '/filters',
  '/category',
  '/four_fifths',
];

export function Form({ audience }: { readonly audience: NewAudience }) {
  const [isTried, setIsTried] = useState(false);
  const { submit, error, isBusy } = useSubmit(audience);
  const estimated = useEstimate(audience);
  const sampleNote = useSampleCustomers(audience);
  const leave = useLeaveGuard(audience, isBusy);
  const form = useRef<HTMLFormElement>(null);
  const { values, change } = audience;
  const faults = isTried ? allFaults(audience) : NO_FAULTS;
  const faultAt = (pointer: string): string | undefined =>
    Object.entries<string>(faults).find(([at]) => at === pointer)?.[1] ??
    apiFault(error, pointer) ??
    apiFault(estimated.error, pointer);
  const onSubmit = async () => {
    if (isBusy) return;
    setIsTried(true);
    const isSent = Object.keys(allFaults(audience)).length === 0 && (await submit());
    // scrolls to the first field with an error once the error is drawn
    if (!isSent) requestAnimationFrame(() => firstInvalid(form.current)?.focus());
  };
  return (
    <form
      ref={form}
      class="new"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void onSubmit();
      }}
    >
      <div class="parts">
        <section class="part">
          <TextField
            label="Name"
            value={values.value.name}
            onValue={(name) => change({ name })}
            error={faultAt('/name')}
            input={{ placeholder: 'Autumn shoes, Berlin', autocomplete: 'off', maxLength: 200 }}
          />
        </section>
        <SwitchedNote audience={audience} />
        {sampleNote}
        <CopiedNote audience={audience} />
        <Customers audience={audience} error={faultAt('/seeds')} />
        <Size audience={audience} candidates={estimated.estimate?.candidates ?? null} faultAt={faultAt} />
        <Filters audience={audience} faultAt={faultAt} />
        <Special audience={audience} faultAt={faultAt} />
        <Suppression audience={audience} error={faultAt('/suppression')} />
        <Negatives audience={audience} faultAt={faultAt} />
        <Features audience={audience} faultAt={faultAt} />
        <Refresh audience={audience} />
      </div>
      <Expectation audience={audience} estimated={estimated} />
      <Foot error={error} isBusy={isBusy} />
      <LeaveDialog {...leave} />
    </form>
  );
}

/** Shows the buttons, and errors that belong to no field. */
function Foot({ error, isBusy }: { readonly error: unknown; readonly isBusy: boolean }) {
  return (
    <div class="new-foot">
      {error !== undefined && !isPlaced(error) ? <ErrorBanner error={error} /> : null}
      <div class="actions">
        <Button kind="primary" type="submit" isBusy={isBusy}>
          {isBusy ? 'Creating …' : 'Create audience'}
        </Button>
        <ButtonLink href={hrefOf(['audiences'])}>Cancel</ButtonLink>
      </div>
    </div>
  );
}

function CopiedNote({ audience }: { readonly audience: NewAudience }) {
  const { copied, seeds } = audience.values.value;
  if (copied === null) return null;
  const { name, customers, isWeighted, suppressed, negatives } = copied;
  return (
    <div class="note">
      <p>
        This is a copy of “{name}”, with its size, cuts, filters, fair selection, campaign details, labels, refresh
        policy and weight of negatives.{' '}
        <strong>Its customers{isWeighted ? ' and their weights' : ''} are not copied</strong>, because the service never
        returns uploaded IDs.
        {seeds === null
          ? ` Add the file with the ${counted(customers, 'customer')} again, or choose another file.`
          : null}
      </p>
      {negatives > 0 ? <p>The list of {counted(negatives, 'negative')} is not copied either.</p> : null}
      {suppressed > 0 ? <p>The suppression list of {formatCount(suppressed)} people is not copied either.</p> : null}
    </div>
  );
}

function SwitchedNote({ audience }: { readonly audience: NewAudience }) {
  if (!audience.isSwitched.value) return null;
  return (
    <p class="note" role="status">
      A population with {formatCount(audience.population.users)} people is now in use. The numbers on this page are
      based on it.
    </p>
  );
}

function useSubmit(audience: NewAudience) {
  const { router } = useConsole();
  const [error, setError] = useState<unknown>();
  const [isBusy, setIsBusy] = useState(false);
  const submit = async (): Promise<boolean> => {
    const { values, draft, keeping, negatives, model, population } = audience;
    setIsBusy(true);
    setError(undefined);
    try {
      const lists = { suppression: keeping.value.kind === 'kept', negatives: negatives.state.value.kind === 'done' };
      const id = await draft.submit(inputsOf(values.value, model, population), lists);
      audience.forget();
      router.guard(null);
      router.go(hrefOf(['audiences', id]));
      return true;
    } catch (cause) {
      setError(cause);
      setIsBusy(false);
      return false;
    }
  };
  return { submit, error, isBusy };
}

/** Returns errors for missing input and for lists that are not ready yet. */
function allFaults(audience: NewAudience): Readonly<Record<string, string>> {
  const { values, seeds, negatives, suppression, keeping, model, population } = audience;
  const faults: Record<string, string> = {
    ...faultsOf(values.value, model.minimum_seeds),
    ...specialFaults(inputsOf(values.value, model, population), population),
  };
  const arriving = seeds.state.value.kind;
  if (arriving === 'sending') faults['/seeds'] = 'Your customers are still being uploaded.';
  else if (arriving === 'asks') faults['/seeds'] = 'Choose the column with the IDs.';
  else if (arriving === 'failed') faults['/seeds'] = 'The list could not be read. See below.';
  if (!['empty', 'done'].includes(negatives.state.value.kind))
    faults['/negatives'] = 'This list is not complete yet. Wait, choose its column, or remove the list.';
  if (suppression.state.value.kind !== 'empty' && keeping.value.kind !== 'kept')
    faults['/suppression'] = 'This list is not used yet. Exclude its people, or remove the list.';
  return faults;
}

function apiFault(error: unknown, pointer: string): string | undefined {
  return error instanceof ApiError ? error.faultAt(pointer) : undefined;
}

/** Whether the page has a field for each fault of the error. */
function isPlaced(error: unknown): boolean {
  if (!(error instanceof ApiError) || error.faults.length === 0) return false;
  return error.faults.every(({ pointer }) => PLACES.some((at) => pointer === at || pointer.startsWith(`${at}/`)));
}

function firstInvalid(form: HTMLFormElement | null): HTMLElement | null {
  const invalid = form?.querySelector<HTMLElement>('[aria-invalid="true"]');
  if (invalid) return invalid;
  const told = form?.querySelector<HTMLElement>('.field-error');
  const part = told?.closest('.part');
  return part?.querySelector<HTMLElement>('input, button, select, summary') ?? null;
}
