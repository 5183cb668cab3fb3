// The single fields of a form.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';

import { pretty } from '../text/json';

interface FieldProps {
  readonly id: string;
  readonly name: string;
  readonly hint: string | undefined;
  readonly isRequired: boolean;
  readonly problem: string | undefined;
  readonly value: unknown;
  readonly onChange: (value: unknown) => void;
}

type Described = Pick<FieldProps, 'id' | 'name' | 'hint' | 'isRequired' | 'problem'>;

const describedBy = ({ id, hint, problem }: Described): string | undefined =>
  [hint && `${id}-hint`, problem && `${id}-problem`].filter(Boolean).join(' ') || undefined;

function Labelled(props: Described & { readonly children: ComponentChildren }) {
  return (
    <>
      <label for={props.id}>
        <span class="field-name">{props.name}</span>
        {!props.isRequired && <span class="faint"> optional</span>}
      </label>
      {props.children}
      <Notes {...props} />
    </>
  );
}

function Notes({ id, hint, problem }: Described) {
  return (
    <>
      {hint && <p class="field-hint" id={`${id}-hint`}>{hint}</p>}
      {problem && <p class="field-problem" id={`${id}-problem`} role="alert">{problem}</p>}
    </>
  );
}

const attributes = (props: FieldProps) => ({
  id: props.id,
  class: 'input',
  'aria-describedby': describedBy(props),
  'aria-invalid': props.problem ? ('true' as const) : undefined,
});

/** A text. */
export function TextField(props: FieldProps & { readonly format: string | undefined; readonly isLong: boolean }) {
  const text = typeof props.value === 'string' ? props.value : '';
  const take = (next: string): void => props.onChange(next === '' && !props.isRequired ? undefined : next);
  const mode = props.format === 'uri' ? 'url' : props.format === 'email' ? 'email' : 'text';
  return (
    <Labelled {...props}>
      {props.isLong
        ? <textarea {...attributes(props)} value={text} onInput={(event) => take(event.currentTarget.value)} />
        : <input {...attributes(props)} type="text" inputmode={mode} value={text} onInput={(event) => take(event.currentTarget.value)} />}
    </Labelled>
  );
}

/** A number. What is no number stays as it was typed, for the server to refuse. */
export function NumberField(props: FieldProps & {
  readonly isWhole: boolean;
  readonly min: number | undefined;
  readonly max: number | undefined;
}) {
  const shown = props.value === undefined || props.value === null ? '' : String(props.value);
  const take = (text: string): void => {
    const number = Number(text);
    if (text.trim() === '') props.onChange(undefined);
    else props.onChange(Number.isFinite(number) ? number : text);
  };
  return (
    <Labelled {...props}>
      <input
        {...attributes(props)}
        type="number"
        step={props.isWhole ? 1 : 'any'}
        min={props.min}
        max={props.max}
        value={shown}
        onInput={(event) => take(event.currentTarget.value)}
      />
    </Labelled>
  );
}

/** Yes or no. */
export function TruthField(props: FieldProps) {
  return (
    <>
      <label class="check" for={props.id}>
        <input
          id={props.id}
          type="checkbox"
          checked={props.value === true}
          aria-describedby={describedBy(props)}
          onChange={(event) => props.onChange(event.currentTarget.checked)}
        />
        <span class="field-name">{props.name}</span>
      </label>
      <Notes {...props} />
    </>
  );
}

/** One of several values. */
export function ChoiceField(props: FieldProps & { readonly of: readonly unknown[] }) {
  const chosen = props.of.findIndex((one) => JSON.stringify(one) === JSON.stringify(props.value));
  const take = (at: number): void => props.onChange(at < 0 ? undefined : props.of[at]);
  return (
    <Labelled {...props}>
      <select {...attributes(props)} value={chosen} onChange={(event) => take(Number(event.currentTarget.value))}>
        {(chosen < 0 || !props.isRequired) && <option value={-1}>–</option>}
        {props.of.map((one, at) => (
          <option key={at} value={at}>{typeof one === 'string' ? one : JSON.stringify(one)}</option>
        ))}
      </select>
    </Labelled>
  );
}

/** Any JSON, as text. */
export function JsonField(props: FieldProps) {
  const [text, setText] = useState(() => (props.value === undefined ? '' : pretty(props.value)));
  const [fault, setFault] = useState<string>();
  const take = (next: string): void => {
    setText(next);
    if (next.trim() === '') {
      setFault(undefined);
      props.onChange(undefined);
      return;
    }
    try {
      props.onChange(JSON.parse(next));
      setFault(undefined);
    } catch (error) {
      setFault(`this is no JSON yet: ${(error as Error).message}`);
    }
  };
  const problem = fault ?? props.problem;
  return (
    <Labelled {...props} problem={problem}>
      <textarea
        {...attributes({ ...props, problem })}
        spellcheck={false}
        value={text}
        onInput={(event) => take(event.currentTarget.value)}
      />
    </Labelled>
  );
}
