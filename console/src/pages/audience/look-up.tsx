/** Checks whether the person with an id is in the audience. */
import { useState } from 'preact/hooks';
import { type Api, call } from '../../api/client.ts';
import type { Campaign } from '../../api/types.ts';
import { useConsole } from '../../console.ts';
import { IdentifierSelect } from '../../lists/identifier-select.tsx';
import { type IdFormat, identifierQueryOf, USER_IDS } from '../../lists/identifiers.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { TextField } from '../../ui/field.tsx';
import { formatCount, formatScore } from '../../ui/format.ts';
import { messageOf } from '../../ui/message.ts';
import { CutSelect } from './cut-select.tsx';

type Found =
  | { readonly kind: 'member'; readonly rank: number; readonly score: number }
  | { readonly kind: 'other' }
  | { readonly kind: 'unknown' };

/** Looks a user up. The id is in the body, because an identifier must not be in a URL. */
async function lookUp(api: Api, id: string, user: string, format: IdFormat, cut: string): Promise<Found> {
  const params = { path: { id }, query: identifierQueryOf(format) };
  const body = { user_ids: [user], ...(cut && { cut }) };
  const { items } = await call(api.POST('/v1/campaigns/{id}/audience/members/batch', { params, body }));
  const found = items[0]!;
  if (!found.known) return { kind: 'unknown' };
  return found.member ? { kind: 'member', rank: found.rank, score: found.score } : { kind: 'other' };
}

interface LookUpProps {
  readonly campaign: Campaign;
  /** Shows the row with this rank. */
  readonly onShow: (rank: number) => void;
}

export function LookUp({ campaign: { id, cuts }, onShow }: LookUpProps) {
  const { api, toasts } = useConsole();
  const [user, setUser] = useState('');
  const [format, setFormat] = useState(USER_IDS);
  const [cut, setCut] = useState('');
  const [found, setFound] = useState<{ readonly user: string; readonly cut: string; readonly is: Found } | null>(null);
  const ask = async (event: Event) => {
    event.preventDefault();
    const wanted = user.trim();
    if (wanted === '') return;
    try {
      setFound({ user: wanted, cut, is: await lookUp(api, id, wanted, format, cut) });
    } catch (error) {
      toasts.say(messageOf(error), 'bad');
    }
  };
  return (
    <form class="look-up" onSubmit={ask}>
      <IdentifierSelect value={format} onValue={setFormat} />
      <TextField
        label="Check a person"
        value={user}
        onValue={setUser}
        input={{
          placeholder: format.label === null ? 'User ID' : 'Identifier',
          autocomplete: 'off',
          spellcheck: false,
        }}
      />
      <CutSelect label="In" cuts={cuts} value={cut} onValue={setCut} />
      <Button type="submit">Check</Button>
      <div class="look-up-answer" role="status">
        {found === null ? null : <Answer user={found.user} cut={found.cut} found={found.is} onShow={onShow} />}
      </div>
    </form>
  );
}

interface AnswerProps extends Pick<LookUpProps, 'onShow'> {
  readonly user: string;
  /** The name of the cut; empty for the audience. */
  readonly cut: string;
  readonly found: Found;
}

function Answer({ user, cut, found, onShow }: AnswerProps) {
  const where = cut === '' ? 'the audience' : `the cut ${cut}`;
  if (found.kind === 'member')
    return (
      <>
        <Badge tone="good">{`In ${where}`}</Badge> {user} has rank {formatCount(found.rank)}, score{' '}
        {formatScore(found.score)}.{' '}
        {cut === '' ? <Button onClick={() => onShow(found.rank)}>Show in the list</Button> : null}
      </>
    );
  if (found.kind === 'other')
    return (
      <>
        <Badge tone="neutral">{`Not in ${where}`}</Badge> {user} is in your population but not in{' '}
        {cut === '' ? 'this audience' : 'this cut'}.
      </>
    );
  return (
    <>
      <Badge tone="warn">Unknown</Badge> {user} is not in your population.
    </>
  );
}
