// A value that many parts of the page look at.
import { useEffect, useState } from 'preact/hooks';

/** A value with those who want to know of its changes. */
export interface Store<T> {
  get(): T;
  set(value: T): void;
  subscribe(listener: () => void): () => void;
}

/** A store that begins with a value. */
export function store<T>(first: T): Store<T> {
  let value = first;
  const listeners = new Set<() => void>();
  return {
    get: () => value,
    set(next) {
      value = next;
      for (const listener of [...listeners]) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** The store's value, followed. */
export function useStore<T>(of: Store<T>): T {
  const [value, setValue] = useState(() => of.get());
  useEffect(() => {
    setValue(() => of.get());
    return of.subscribe(() => setValue(() => of.get()));
  }, [of]);
  return value;
}
