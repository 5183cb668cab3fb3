// Takes a token where the server wants one.
import { useEffect, useState } from 'preact/hooks';

import { session, signIn } from '../api/session';
import { Notice } from '../parts/feedback';
import { useStore } from '../store';

export function SignIn() {
  const { refused } = useStore(signIn);
  const [token, setToken] = useState('');
  useEffect(() => {
    document.title = 'Sign in · ZapJobs';
  }, []);
  const enter = (event: Event): void => {
    event.preventDefault();
    if (token.trim() !== '') session.enter(token.trim());
  };
  return (
    <main class="sign-in">
      <div class="card">
        <p class="brand"><img src="/icon.svg" alt="" />ZapJobs</p>
        <form class="stack" onSubmit={enter}>
          <h1>Sign in</h1>
          <p class="muted">This server asks for a token. <code>zapjobs tokens create</code> makes one.</p>
          {refused && <Notice tone="bad">This token is not known, or has expired.</Notice>}
          <div class="field">
            <label class="field-name" for="token">Token</label>
            <input
              id="token"
              class="input mono"
              type="password"
              autocomplete="off"
              spellcheck={false}
              required
              autofocus
              value={token}
              onInput={(event) => setToken(event.currentTarget.value)}
            />
            <p class="field-hint">It is kept until this tab is closed.</p>
          </div>
          <div><button type="submit" class="button primary">Sign in</button></div>
        </form>
      </div>
    </main>
  );
}
