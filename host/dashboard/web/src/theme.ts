// Light or dark: the system's, until one chooses.
import { store } from './store';

export type Theme = 'system' | 'light' | 'dark';

const KEY = 'zapjobs-theme';
const ORDER: readonly Theme[] = ['system', 'light', 'dark'];

/** What is chosen. */
export const theme = store<Theme>(chosen());

/** Shows what is chosen. */
export function startTheme(): void {
  show(theme.get());
}

/** Chooses the next one: system, light, dark. */
export function nextTheme(): void {
  const next = ORDER[(ORDER.indexOf(theme.get()) + 1) % ORDER.length] ?? 'system';
  localStorage.setItem(KEY, next);
  show(next);
  theme.set(next);
}

function chosen(): Theme {
  const kept = localStorage.getItem(KEY);
  return ORDER.find((one) => one === kept) ?? 'system';
}

function show(chosen: Theme): void {
  if (chosen === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = chosen;
}
