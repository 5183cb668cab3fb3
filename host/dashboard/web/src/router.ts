// Where one is: the path and its parameters, as in the address bar.
//
// Invariant: whatever a page shows can be found again by its address.
import { store, useStore } from './store';

/** A place in the dashboard. */
export interface Place {
  readonly path: string;
  readonly query: URLSearchParams;
}

const here = (): Place => ({
  path: location.pathname,
  query: new URLSearchParams(location.search),
});

const place = store<Place>(here());

/** Begins to follow the address bar, and the links that are clicked. */
export function startRouter(): void {
  window.addEventListener('popstate', () => place.set(here()));
  document.addEventListener('click', (event) => {
    const target = linkOf(event);
    if (target === undefined) return;
    event.preventDefault();
    go(target);
  });
}

/** The place where one is. */
export const usePlace = (): Place => useStore(place);

/** Goes to another place. */
export function go(address: string): void {
  if (address !== location.pathname + location.search) history.pushState(null, '', address);
  place.set(here());
  window.scrollTo(0, 0);
  document.getElementById('main')?.focus({ preventScroll: true });
}

/** Changes parameters of this place; those without a value go. */
export function setQuery(changes: Record<string, string | undefined>, replace = false): void {
  const address = withQuery(location.pathname, new URLSearchParams(location.search), changes);
  if (replace) history.replaceState(null, '', address);
  else history.pushState(null, '', address);
  place.set(here());
}

/** The address with some parameters changed. */
export function withQuery(
  path: string,
  query: URLSearchParams,
  changes: Record<string, string | undefined>,
): string {
  const next = new URLSearchParams(query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === '') next.delete(name);
    else next.set(name, value);
  }
  const text = next.toString();
  return text === '' ? path : `${path}?${text}`;
}

/** What a path has at the places of a pattern such as `/runs/:id`; `undefined` if it differs. */
export function match(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split('/');
  const given = path.replace(/(.)\/$/, '$1').split('/');
  if (wanted.length !== given.length) return undefined;
  const found: Record<string, string> = {};
  for (const [at, part] of wanted.entries()) {
    const text = given[at] ?? '';
    if (!part.startsWith(':')) {
      if (part !== text) return undefined;
      continue;
    }
    try {
      found[part.slice(1)] = decodeURIComponent(text);
    } catch {
      return undefined;
    }
  }
  return found;
}

function linkOf(event: MouseEvent): string | undefined {
  if (event.defaultPrevented || event.button !== 0) return undefined;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return undefined;
  const link = (event.target as Element | null)?.closest('a');
  if (!link || link.target !== '' || link.hasAttribute('download')) return undefined;
  const url = new URL(link.href, location.href);
  if (url.origin !== location.origin || url.pathname.startsWith('/api/')) return undefined;
  if (url.hash !== '' && url.pathname === location.pathname) return undefined;
  return url.pathname + url.search;
}
