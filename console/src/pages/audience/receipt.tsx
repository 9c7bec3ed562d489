/** Shows the receipt of a version, lets users download it with the public key, and explains how to verify it. */
import { call } from '../../api/client.ts';
import type { Receipt } from '../../api/types.ts';
import { usePolled } from '../../api/use-polled.ts';
import { useConsole } from '../../console.ts';
import { type ConsentBasis, consentText } from '../../lists/consent.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { formatCount, formatTime } from '../../ui/format.ts';
import { saveFile } from '../../ui/save-file.ts';
import { Failed, Loading } from '../../ui/states.tsx';
import { Table } from '../../ui/table.tsx';

/** Number of digits of a hash to show. */
const SHORT_HASH = 16;
const RECEIPT_FILE = 'receipt.json';
const KEY_FILE = 'key.json';

interface ReceiptDialogProps {
  readonly id: string;
  readonly version: number;
  readonly onClose: () => void;
}

export function ReceiptDialog({ id, version, onClose }: ReceiptDialogProps) {
  const { api, page } = useConsole();
  const { data, error, refresh } = usePolled(
    async (signal) => {
      const params = { path: { id, version } };
      const [receipt, key] = await Promise.all([
        call(api.GET('/v1/campaigns/{id}/audiences/{version}/receipt', { params, signal })),
        call(api.GET('/v1/receipts/key', { signal })),
      ]);
      return { receipt, key };
    },
    { key: `${id} ${version}`, everyMs: () => null },
  );
  const save = (value: object | undefined, name: string) =>
    saveFile(page, new Blob([`${JSON.stringify(value, null, 2)}\n`], { type: 'application/json' }), name);
  return (
    <Dialog
      title={`Receipt of version ${version}`}
      isOpen
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Close</Button>
          <Button disabled={data === undefined} onClick={() => save(data?.key, KEY_FILE)}>
            Download public key
          </Button>
          <Button kind="primary" disabled={data === undefined} onClick={() => save(data?.receipt, RECEIPT_FILE)}>
            Download receipt
          </Button>
        </>
      }
    >
      {data === undefined && error === undefined ? <Loading lines={4} /> : null}
      {data === undefined && error !== undefined ? <Failed error={error} onRetry={refresh} /> : null}
      {data === undefined ? null : <Statement receipt={data.receipt} />}
    </Dialog>
  );
}

function Statement({ receipt }: { readonly receipt: Receipt }) {
  const { candidates, erased_while_ranking: erased, made_at: madeAt, signature } = receipt;
  return (
    <>
      <p>
        A signed statement of what the ranking of {formatCount(candidates)} people was made from, and what came out. It
        was made on {formatTime(madeAt)} and is signed with the key <span class="mono">{signature.key_id}</span>.
        Versions of the same ranking have the same receipt.
      </p>
      {erased === 0 ? null : (
        <p class="notice">
          {formatCount(erased)} people were erased while the ranking was made, so it cannot be made again.
        </p>
      )}
      <Table
        caption="SHA-256 hashes in the receipt"
        rows={hashesIn(receipt)}
        rowKey={({ name }) => name}
        columns={[
          {
            key: 'name',
            title: 'Of',
            cell: ({ name, basis }) => (
              <>
                {name}
                {basis === undefined ? null : <div class="muted small">{consentText(basis)}</div>}
              </>
            ),
          },
          {
            key: 'hash',
            title: 'SHA-256',
            cell: ({ hash }) => (
              <span class="mono" title={hash}>
                {hash.slice(0, SHORT_HASH)}…
              </span>
            ),
          },
        ]}
      />
      <p>To verify the signature offline, with the two files and the script that comes with metaheac:</p>
      <pre class="command">
        node scripts/verify-receipt.mjs {RECEIPT_FILE} --key {KEY_FILE}
      </pre>
      <p class="muted small">
        With <code>--seeds</code>, <code>--model</code> and other files, the script compares them too.{' '}
        <code>metaheac reproduce</code> makes the same ranking from the same inputs, or says which input differs. Keep
        the public key where the operator of the service cannot change it.
      </p>
    </>
  );
}

interface Hashed {
  readonly name: string;
  readonly hash: string;
  /** The consent basis of a user set. */
  readonly basis?: ConsentBasis | undefined;
}

function hashesIn({ inputs, outputs, consent_bases: bases }: Receipt): readonly Hashed[] {
  const sets = Object.entries(inputs.sets).map(([name, hash]) => ({
    name: name.replaceAll('_', ' '),
    hash,
    basis: bases?.[name],
  }));
  return [
    ...sets,
    { name: `model ${inputs.model.version}`, hash: inputs.model.sha256 },
    { name: `population ${inputs.population.version}`, hash: inputs.population.sha256 },
    { name: 'ranking: scores', hash: outputs.scores },
    { name: 'ranking: order', hash: outputs.order },
    { name: 'customised model', hash: outputs.parameters },
  ];
}
