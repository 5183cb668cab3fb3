// A JSON value, indented and coloured; as text, whatever is in it.
import { pieces, pretty } from '../text/json';
import { said } from './feedback';
import { Icon } from './icon';

/** The value. */
export function JsonText({ value, label }: { readonly value: unknown; readonly label: string }) {
  return (
    <pre class="code" tabIndex={0} role="region" aria-label={label}>
      {pieces(pretty(value)).map(({ kind, text }, at) =>
        kind === 'other' ? text : <span key={at} class={`json-${kind}`}>{text}</span>)}
    </pre>
  );
}

/** Copies a text. */
export function Copy({ text, what }: { readonly text: string; readonly what: string }) {
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    said(`copied the ${what}`);
  };
  // Only over HTTPS or on this machine do browsers let pages write to the clipboard.
  if (!window.isSecureContext) return null;
  return (
    <button
      type="button"
      class="button plain small"
      aria-label={`Copy the ${what}`}
      title={`Copy the ${what}`}
      onClick={() => void copy()}
    >
      <Icon name="copy" />
    </button>
  );
}
