/** The page of the global suppression list: people who are never in any audience. */
import { useState } from 'preact/hooks';
import { type Api, call } from '../../api/client.ts';
import type { UserSet } from '../../api/types.ts';
import { usePolled } from '../../api/use-polled.ts';
import { useConsole } from '../../console.ts';
import { CONSENT_OPTIONS, type ConsentBasis, consentText } from '../../lists/consent.ts';
import { IdentifierSelect } from '../../lists/identifier-select.tsx';
import { describeMatch, type IdFormat, identifierQueryOf, USER_IDS } from '../../lists/identifiers.ts';
import { ndjsonBody } from '../../lists/ndjson.ts';
import type { Report, Send } from '../../lists/send-ids.ts';
import { Upload } from '../../lists/upload.tsx';
import { Button } from '../../ui/button.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { Facts, Section } from '../../ui/facts.tsx';
import { Select } from '../../ui/field.tsx';
import { formatCount, formatTime } from '../../ui/format.ts';
import { messageOf } from '../../ui/message.ts';
import { Page } from '../../ui/page.tsx';
import { saveFile } from '../../ui/save-file.ts';
import { Failed, Loading } from '../../ui/states.tsx';

const EVERY_MS = 10_000;
const PATH = '/v1/suppression';

type Mode = 'add' | 'remove' | 'replace';

export function Suppression() {
  const { api, session } = useConsole();
  const { data, error, refresh } = usePolled((signal) => call(api.GET(PATH, { signal })), {
    key: 'suppression',
    everyMs: EVERY_MS,
  });
  const [isDeleting, setDeleting] = useState(false);
  const mayWrite = session.may('write');
  return (
    <Page
      title="Suppression list"
      lead="People who are never in any audience, such as those who opted out."
      actions={
        mayWrite && data !== undefined && data.users > 0 ? (
          <Button kind="danger" onClick={() => setDeleting(true)}>
            Delete the list
          </Button>
        ) : null
      }
    >
      {data !== undefined ? (
        <>
          <Counts set={data} />
          {mayWrite ? (
            <Change set={data} onChange={refresh} />
          ) : (
            <p class="muted">Your key can read the list but not change it.</p>
          )}
        </>
      ) : error !== undefined ? (
        <Failed error={error} onRetry={refresh} />
      ) : (
        <Loading />
      )}
      {isDeleting ? <Delete users={data?.users ?? 0} onClose={() => setDeleting(false)} onDone={refresh} /> : null}
    </Page>
  );
}

function Counts({ set }: { readonly set: UserSet }) {
  const { users, known, unknown, updated_at: at, identifiers = [], consent_basis: basis, expiring } = set;
  const { api, page, toasts } = useConsole();
  const download = async () => {
    try {
      const headers = { accept: 'text/plain' };
      const file: Blob = await call(api.GET(`${PATH}/unknown`, { headers, parseAs: 'blob' }));
      saveFile(page, file, 'unknown-suppressed.txt');
    } catch (error) {
      toasts.say(messageOf(error), 'bad');
    }
  };
  return (
    <Section title="On the list">
      <Facts
        facts={[
          { name: 'People', value: formatCount(users) },
          { name: 'In the population', value: formatCount(known) },
          { name: 'Unknown', value: formatCount(unknown), note: 'kept, because a later population may have these IDs' },
          ...identifiers.map(describeMatch),
          { name: 'Legal basis', value: consentText(basis) },
          ...(expiring?.next_at
            ? [
                {
                  name: 'Will expire',
                  value: formatCount(expiring.users),
                  note: `first ${formatTime(expiring.next_at)}`,
                },
              ]
            : []),
          { name: 'Last changed', value: at === null ? 'Never' : formatTime(at) },
        ]}
      />
      {unknown > 0 ? (
        <div class="actions">
          <Button onClick={download}>Download the {formatCount(unknown)} unknown IDs</Button>
        </div>
      ) : null}
    </Section>
  );
}

/** Sends a piece of a list. The first piece of a replacement replaces the old list, and the other pieces are added. */
function sendTo(api: Api, mode: Mode, format: IdFormat, basis: ConsentBasis | '', isPreview: boolean): Send {
  const query = { ...identifierQueryOf(format), ...(isPreview ? { dry_run: 'true' as const } : {}) };
  return (lines, isFirst) => {
    const init = { params: { query }, ...ndjsonBody(lines) };
    if (mode === 'replace' && (isFirst || isPreview)) {
      const params = { query: { ...query, ...(basis === '' ? {} : { consent_basis: basis }) } };
      return call(api.PUT(PATH, { ...init, params }));
    }
    return call(mode === 'remove' ? api.POST(`${PATH}/remove`, init) : api.POST(`${PATH}/add`, init));
  };
}

const MODES: Readonly<Record<Mode, { readonly label: string; readonly action: string; readonly done: string }>> = {
  add: { label: 'Add people', action: 'Add', done: 'The people were added to the list.' },
  remove: { label: 'Remove people', action: 'Remove', done: 'The people were removed from the list.' },
  replace: { label: 'Replace the whole list', action: 'Replace the list with', done: 'The list was replaced.' },
};

interface ChangeProps {
  readonly set: UserSet;
  readonly onChange: () => void;
}

function Change({ set, onChange }: ChangeProps) {
  const { api, toasts } = useConsole();
  const [mode, setMode] = useState<Mode>('add');
  const [format, setFormat] = useState(USER_IDS);
  const [chosen, setChosen] = useState<ConsentBasis | '' | null>(null);
  // a replacement keeps the basis unless another is chosen
  const basis = chosen ?? set.consent_basis ?? '';
  const { action, done } = MODES[mode];
  const actionOf = ({ known, unknown }: Report) =>
    known + unknown === 0 ? null : `${action} ${formatCount(known + unknown)} people`;
  return (
    <Section
      title="Change the list"
      lead={
        'Audiences use the changed list when they are next rebuilt: within seconds, if they are set to rebuild when ' +
        'a suppression list changes.'
      }
    >
      <div class="narrow">
        <Select
          label="What to do"
          value={mode}
          onValue={(value) => setMode(value as Mode)}
          options={Object.entries(MODES).map(([value, { label }]) => ({ value, label }))}
        />
        <IdentifierSelect value={format} onValue={setFormat} />
        {mode === 'replace' ? (
          <Select
            label="Legal basis"
            value={basis}
            onValue={(value) => setChosen(value as ConsentBasis | '')}
            options={CONSENT_OPTIONS}
          />
        ) : null}
      </div>
      <Upload
        key={`${mode} ${JSON.stringify(format)} ${basis}`}
        label="Choose a list"
        hint="Text, CSV or JSON Lines, of any size."
        format={format}
        preview={sendTo(api, mode, format, basis, true)}
        commit={sendTo(api, mode, format, basis, false)}
        actionOf={actionOf}
        note={
          mode === 'replace' && set.expiring?.users
            ? 'This is a preview. Nothing has changed yet. People of the new list will not expire.'
            : 'This is a preview. Nothing has changed yet.'
        }
        kind={mode === 'add' ? 'primary' : 'danger'}
        onDone={() => {
          toasts.say(done);
          onChange();
        }}
      />
    </Section>
  );
}

interface DeleteProps {
  readonly users: number;
  readonly onClose: () => void;
  readonly onDone: () => void;
}

function Delete({ users, onClose, onDone }: DeleteProps) {
  const { api, toasts } = useConsole();
  const remove = async () => {
    await call(api.DELETE(PATH));
    toasts.say('The suppression list is now empty.');
    onDone();
  };
  return (
    <Confirm
      title="Delete the suppression list?"
      isOpen
      kind="danger"
      action="Delete the list"
      onConfirm={remove}
      onClose={onClose}
    >
      <p>
        The {formatCount(users)} people on the list can be in audiences again once the audiences are rebuilt. This
        cannot be undone.
      </p>
    </Confirm>
  );
}
