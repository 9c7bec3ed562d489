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
import { type Received, ReceivedFields, receivedBody } from './received.tsx';

const NO_PLACE = { kind: 'folder', path: '', bucket: '', prefix: '', endpoint: '', region: '', profile: '' };
const FIRST: Received = { name: '', format: 'parquet', mode: 'full', cut: '', identifier: '', labels: [] };

/** Converts a draft to a request. Empty fields are omitted, so the service uses its defaults. */
function bodyOf(received: Received, { kind, path, bucket, ...rest }: typeof NO_PLACE): DestinationInput {
  if (kind === 'folder') return { ...receivedBody(received), kind, path };
  const given = Object.entries(rest).filter(([, value]) => value !== '');
  return { ...receivedBody(received), kind: 's3', bucket, ...Object.fromEntries(given) };
}

export function NewDestination({ onCreated }: { readonly onCreated: () => void }) {
  const { api, toasts } = useConsole();
  const [draft, setDraft] = useState(FIRST);
  const [place, setPlace] = useState(NO_PLACE);
  const [fault, setFault] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const edit = (part: Partial<Received>) => setDraft({ ...draft, ...part });
  const wire = (name: keyof typeof NO_PLACE) => ({
    value: place[name],
    onValue: (value: string) => setPlace({ ...place, [name]: value }),
  });
  const create = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setFault(null);
    try {
      const { name } = await call(api.POST('/v1/destinations', { body: bodyOf(draft, place) }));
      toasts.say(`“${name}” will receive new versions.`);
      setDraft(FIRST);
      setPlace(NO_PLACE);
      onCreated();
    } catch (error) {
      setFault(messageOf(error));
    } finally {
      setBusy(false);
    }
  };
  const isReady = draft.name !== '' && (place.kind === 'folder' ? place.path : place.bucket) !== '';
  return (
    <Section title="New destination" lead="It receives the versions that become active from now on.">
      <form class="destination-form" onSubmit={create}>
        <TextField label="Name" value={draft.name} onValue={(name) => edit({ name })} />
        <Select
          label="Kind"
          {...wire('kind')}
          options={[
            { value: 'folder', label: 'Folder of the service' },
            { value: 's3', label: 'Bucket (S3)' },
          ]}
        />
        {place.kind === 'folder' ? (
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
        <ReceivedFields value={draft} onChange={edit} />
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
