/** The page for uploading feedback: a list of people, and what these people did after they saw the campaign. */
import { useState } from 'preact/hooks';
import { type Api, call } from '../../api/client.ts';
import { usePolled } from '../../api/use-polled.ts';
import { useConsole } from '../../console.ts';
import { IdentifierSelect } from '../../lists/identifier-select.tsx';
import { type IdFormat, identifierQueryOf, USER_IDS } from '../../lists/identifiers.ts';
import { ndjsonBody } from '../../lists/ndjson.ts';
import type { Report, Send } from '../../lists/send-ids.ts';
import { Upload } from '../../lists/upload.tsx';
import { hrefOf } from '../../router.ts';
import { ButtonLink } from '../../ui/button.tsx';
import { Section } from '../../ui/facts.tsx';
import { Select } from '../../ui/field.tsx';
import { counted } from '../../ui/format.ts';
import { Page } from '../../ui/page.tsx';
import { Failed, Loading } from '../../ui/states.tsx';

type Event = 'conversion' | 'click' | 'dismissal';

const EVENTS: Readonly<Record<Event, { readonly label: string; readonly effect: string }>> = {
  conversion: { label: 'Conversions', effect: 'These people count as customers when the audience is next rebuilt.' },
  click: { label: 'Clicks', effect: 'These people count as customers when the audience is next rebuilt.' },
  dismissal: { label: 'Dismissals', effect: 'The next rebuild avoids people like them.' },
};

/** Maximum number of people in one request, as limited by the service. */
const MOST_EVENTS = 10_000;

export function ReportResults() {
  const { api, router, toasts } = useConsole();
  const id = router.place.value.segments[1]!;
  const { data, error, refresh } = usePolled(
    (signal) => call(api.GET('/v1/campaigns/{id}', { params: { path: { id } }, signal })),
    { key: id, everyMs: () => null },
  );
  const [event, setEvent] = useState<Event>('conversion');
  const [format, setFormat] = useState(USER_IDS);
  const back = hrefOf(['audiences', id], { tab: 'results' });
  const { effect } = EVENTS[event];
  return (
    <Page
      title="Report results"
      lead={data === undefined ? null : `What people did after they saw “${data.name}”.`}
      actions={<ButtonLink href={back}>Back to the results</ButtonLink>}
    >
      {data === undefined && error === undefined ? <Loading /> : null}
      {data === undefined && error !== undefined ? <Failed error={error} onRetry={refresh} /> : null}
      {data === undefined ? null : (
        <Section
          title="Upload"
          lead="Only a person’s latest event counts. Sending the same list again changes nothing."
        >
          <div class="narrow">
            <Select
              label="What these people did"
              value={event}
              onValue={(value) => setEvent(value as Event)}
              hint={effect}
              options={Object.entries(EVENTS).map(([value, { label }]) => ({ value, label }))}
            />
            <IdentifierSelect value={format} onValue={setFormat} />
          </div>
          <Upload
            key={JSON.stringify(format)}
            label="Choose a list"
            hint="Text, CSV or JSON Lines, of any size."
            format={format}
            preview={previewOf(api, id, format)}
            commit={reportOf(api, id, event, format)}
            actionOf={({ known, unknown }: Report) =>
              known + unknown === 0 ? null : `Report ${counted(known + unknown, event)}`
            }
            note="This is a preview. Nothing has been reported yet."
            onDone={({ received }) => {
              toasts.say(`Reported ${counted(received, event)}.`);
              router.go(back);
            }}
          />
        </Section>
      )}
    </Page>
  );
}

/**
 * Counts known people with a dry run of the suppression list, which changes nothing, because feedback has no dry run.
 */
function previewOf(api: Api, id: string, format: IdFormat): Send {
  const params = { path: { id }, query: { ...identifierQueryOf(format), dry_run: 'true' as const } };
  return (lines) => call(api.PUT('/v1/campaigns/{id}/suppression', { params, ...ndjsonBody(lines) }));
}

function reportOf(api: Api, id: string, event: Event, format: IdFormat): Send {
  const params = { path: { id }, query: identifierQueryOf(format) };
  return async (lines) => {
    const ids = lines.split('\n').filter(Boolean);
    for (let from = 0; from < ids.length; from += MOST_EVENTS) {
      const events = ids
        .slice(from, from + MOST_EVENTS)
        .map((line) => ({ user_id: JSON.parse(line) as string, event }));
      await call(api.POST('/v1/campaigns/{id}/feedback', { params, body: { events } }));
    }
    const counts = { received: ids.length, known: ids.length, unknown: 0, duplicate: 0 };
    return { ...counts, sent: { ...counts, unknown_examples: [], hints: [] }, dry_run: true };
  };
}
