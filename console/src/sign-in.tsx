/** Sign-in with an API key. */
import { useState } from 'preact/hooks';
import { call } from './api/client.ts';
import { ApiError } from './api/errors.ts';
import { useConsole } from './console.ts';
import { Button } from './ui/button.tsx';
import { TextField } from './ui/field.tsx';
import { messageOf } from './ui/message.ts';

/** The form for an API key. `why` says why the last session ended; null if there was none. */
export function SignIn({ why }: { readonly why: string | null }) {
  const { api, session } = useConsole();
  const [key, setKey] = useState('');
  const [error, setError] = useState(why ?? undefined);
  const [isBusy, setBusy] = useState(false);
  const signIn = async () => {
    if (key.trim() === '') return setError('Enter an API key.');
    setBusy(true);
    session.use(key.trim());
    try {
      session.accept(await call(api.GET('/v1/keys/current')));
    } catch (cause) {
      session.use(null);
      setError(cause instanceof ApiError && cause.status === 401 ? 'This key is not valid.' : messageOf(cause));
      setBusy(false);
    }
  };
  return (
    <main class="sign-in">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void signIn();
        }}
      >
        <span class="brand">
          <img src="/console/icon.svg" alt="" />
          metaheac
        </span>
        <h1>Sign in</h1>
        <TextField
          label="API key"
          hint="Ask whoever runs the service for a key. The key is kept only in this tab, and forgotten when you close the tab."
          error={error}
          value={key}
          onValue={setKey}
          input={{ type: 'password', autocomplete: 'off', spellcheck: false, autofocus: true }}
        />
        <Button kind="primary" type="submit" isBusy={isBusy}>
          Sign in
        </Button>
      </form>
    </main>
  );
}
