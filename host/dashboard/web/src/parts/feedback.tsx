// What the page says: loading, nothing there, something wrong, something done.
import type { ComponentChildren } from 'preact';

import { messageOf, Problem } from '../api/problem';
import { store, useStore } from '../store';
import { Icon, type IconName } from './icon';
import type { Tone } from './status';

/** How long a message stays: 6 seconds; 12 where something failed. */
const TOAST_MS = 6_000;
/** Messages shown at once at most; the oldest go. */
const TOASTS_MAX = 4;

interface Toast {
  readonly id: number;
  readonly tone: Tone;
  readonly text: string;
}

const toasts = store<readonly Toast[]>([]);
let lastId = 0;

/** Says that something was done. */
export const said = (text: string): void => say('good', text);
/** Says that something failed, and why. */
export const complained = (error: unknown): void => say('bad', messageOf(error));

function say(tone: Tone, text: string): void {
  lastId += 1;
  const id = lastId;
  toasts.set([...toasts.get(), { id, tone, text }].slice(-TOASTS_MAX));
  setTimeout(() => drop(id), tone === 'bad' ? 2 * TOAST_MS : TOAST_MS);
}

const drop = (id: number): void => toasts.set(toasts.get().filter((one) => one.id !== id));

/** Does something, and says how it went. Answers whether it went well. */
export async function attempt(does: () => Promise<string>): Promise<boolean> {
  try {
    said(await does());
    return true;
  } catch (error) {
    complained(error);
    return false;
  }
}

/** The messages of the moment. */
export function Toasts() {
  const shown = useStore(toasts);
  return (
    <div class="toasts" role="status" aria-live="polite">
      {shown.map(({ id, tone, text }) => (
        <div key={id} class={`toast tone-${tone}`}>
          <Icon name={tone === 'bad' ? 'warning' : 'check'} />
          <p>{text}</p>
          <button type="button" class="button plain small" aria-label="Dismiss" onClick={() => drop(id)}>
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}

/** A box with something to know. */
export function Notice(props: {
  readonly tone: Tone;
  readonly icon?: IconName;
  readonly children: ComponentChildren;
}) {
  return (
    <div class={`notice tone-${props.tone}`} role={props.tone === 'bad' ? 'alert' : undefined}>
      <Icon name={props.icon ?? (props.tone === 'good' ? 'check' : 'warning')} />
      <div>{props.children}</div>
    </div>
  );
}

/** Why something cannot be shown. */
export function Failure({ of, retry }: { readonly of: Error; readonly retry?: () => void }) {
  const isForbidden = of instanceof Problem && of.status === 403;
  return (
    <Notice tone={isForbidden ? 'warn' : 'bad'}>
      <p>{isForbidden ? `This token may not see this: ${of.message}` : `Cannot show this: ${of.message}`}</p>
      {retry && !isForbidden && (
        <p><button type="button" class="button small" onClick={retry}>Try again</button></p>
      )}
    </Notice>
  );
}

/** Nothing there, and what to do about it. */
export function Empty({ children }: { readonly children: ComponentChildren }) {
  return <div class="empty">{children}</div>;
}

/** Something is on its way. */
export function Loading() {
  return <div class="empty" role="status">Loading …</div>;
}
