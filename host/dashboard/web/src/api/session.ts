// Who is signed in: a token that lives as long as the browser's tab.
import { store } from '../store';
import { choose } from './tenant';

const KEY = 'zapjobs-token';

/** Whether a token is asked for. */
export const signIn = store({ needed: false, refused: false });

/** The tab's token. */
export const session = {
  token: (): string | null => sessionStorage.getItem(KEY),
  /** Keeps a token and lets the pages ask again. */
  enter(token: string): void {
    sessionStorage.setItem(KEY, token);
    choose('');
    signIn.set({ needed: false, refused: false });
  },
  /** The server wants a token, or another one. */
  refused(): void {
    const had = sessionStorage.getItem(KEY) !== null;
    sessionStorage.removeItem(KEY);
    signIn.set({ needed: true, refused: had || signIn.get().refused });
  },
  leave(): void {
    sessionStorage.removeItem(KEY);
    signIn.set({ needed: true, refused: false });
  },
};
