/** The form that creates a destination. */
import { useState } from 'preact/hooks';
import { call } from '../../api/client.ts';
import type { DestinationInput } from '../../api/types.ts';
import { useConsole } from '../../console.ts';
import { Button } from '../../ui/button.tsx';
import { Section } from '../../ui/facts.tsx';
import { Select, TextField } from '../../ui/field.tsx';
import { messageOf } from '../../ui/message.ts';
import './destinations.css';

const FIRST = {
  ...{ name: '', kind: 'folder', path: '', bucket: '', prefix: '', endpoint: '', region: '', profile: '' },
  ...{ format: 'parquet', mode: 'full' },
};

type Draft = typeof FIRST;

/** The request of a draft. Empty fields are left out, so the service uses its defaults. */
function bodyOf({ name, kind, path, format, mode, ...place }: Draft): DestinationInput {
  const what = { name, format, mode } as Pick<DestinationInput, 'name' | 'format' | 'mode'>;
  if (kind === 'folder') return { ...what, kind, path };
  const { bucket, ...rest } = place;
  const given = Object.entries(rest).filter(([, value]) => value !== '');
  return { ...what, kind: 's3', bucket, ...Object.fromEntries(given) };
}

export function NewDestination({ onCreated }: { readonly onCreated: () => void }) {
  const { api, toasts } = useConsole();
  const [draft, setDraft] = useState(FIRST);
  const [fault, setFault] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const wire = (name: keyof Draft) => ({
    value: draft[name],
    onValue: (value: string) => setDraft({ ...draft, [name]: value }),
  });
  const create = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setFault(null);
    try {
      const { name } = await call(api.POST('/v1/destinations', { body: bodyOf(draft) }));
      toasts.say(`“${name}” will receive new versions.`);
      setDraft(FIRST);
      onCreated();
    } catch (error) {
      setFault(messageOf(error));
    } finally {
      setBusy(false);
    }
  };
  const isReady = draft.name !== '' && (draft.kind === 'folder' ? draft.path : draft.bucket) !== '';
  return (
    <Section title="New destination" lead="It receives the versions that become active from now on.">
      <form class="destination-form" onSubmit={create}>
        <TextField label="Name" {...wire('name')} />
        <Select
          label="Kind"
          {...wire('kind')}
          options={[
            { value: 'folder', label: 'Folder of the service' },
            { value: 's3', label: 'Bucket (S3)' },
          ]}
        />
        {draft.kind === 'folder' ? (
          <TextField label="Folder" hint="Below the root that the operator has set." {...wire('path')} />
        ) : (
          <>
            <TextField label="Bucket" {...wire('bucket')} />
            <TextField label="Prefix" hint="Optional; begins the name of every object." {...wire('prefix')} />
            <TextField label="Endpoint" hint="Optional, for servers other than AWS." {...wire('endpoint')} />
            <TextField label="Region" hint="Optional." {...wire('region')} />
            <TextField
              label="Profile"
              hint="Optional; the profile with the credentials, in the service’s files of AWS."
              {...wire('profile')}
            />
          </>
        )}
        <Select
          label="Format"
          {...wire('format')}
          options={[
            { value: 'parquet', label: 'Parquet' },
            { value: 'csv', label: 'CSV' },
            { value: 'csv.gz', label: 'CSV, compressed' },
          ]}
        />
        <Select
          label="Contents"
          {...wire('mode')}
          options={[
            { value: 'full', label: 'All members of each version' },
            { value: 'deltas', label: 'The changes since the version before' },
          ]}
        />
        {fault === null ? null : (
          <p role="alert" class="field-error">
            {fault}
          </p>
        )}
        <div class="actions">
          <Button kind="primary" type="submit" isBusy={isBusy} disabled={!isReady}>
            Create destination
          </Button>
        </div>
      </form>
    </Section>
  );
}
