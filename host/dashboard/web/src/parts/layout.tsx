// The pieces that pages are laid out with.
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';

/** A page's head: its name, what it is about, what one can do. */
export function PageHead(props: {
  readonly title: string;
  readonly sub?: ComponentChildren;
  readonly acts?: ComponentChildren;
}) {
  useEffect(() => {
    document.title = `${props.title} · ZapJobs`;
  }, [props.title]);
  return (
    <header class="head">
      <h1>{props.title}</h1>
      {props.sub && <span class="sub row">{props.sub}</span>}
      {props.acts && <div class="acts">{props.acts}</div>}
    </header>
  );
}

/** A box with a heading. */
export function Card(props: {
  readonly title?: ComponentChildren;
  readonly acts?: ComponentChildren;
  readonly isFlush?: boolean;
  readonly children: ComponentChildren;
}) {
  return (
    <section class="card">
      {props.title && (
        <div class="card-head">
          <h2>{props.title}</h2>
          {props.acts && <div class="acts">{props.acts}</div>}
        </div>
      )}
      {props.isFlush ? props.children : <div class="card-body">{props.children}</div>}
    </section>
  );
}

/** A number to see at a glance. */
export function Tile(props: {
  readonly name: ComponentChildren;
  readonly value: ComponentChildren;
  readonly note?: ComponentChildren;
  readonly href?: string;
}) {
  const inside = (
    <>
      <div class="tile-name">{props.name}</div>
      <div class="tile-value">{props.value}</div>
      {props.note && <div class="tile-note">{props.note}</div>}
    </>
  );
  return props.href ? <a class="tile" href={props.href}>{inside}</a> : <div class="tile">{inside}</div>;
}

/** A table that scrolls sideways where it must. */
export function Table(props: {
  readonly label: string;
  readonly head: ComponentChildren;
  readonly children: ComponentChildren;
}) {
  return (
    <div class="table-box" tabIndex={0} role="region" aria-label={props.label}>
      <table>
        <thead><tr>{props.head}</tr></thead>
        <tbody>{props.children}</tbody>
      </table>
    </div>
  );
}

/** Names with their values. */
export function Facts({ of }: { readonly of: readonly (readonly [string, ComponentChildren])[] }) {
  const shown = of.filter(([, value]) => value !== undefined && value !== null && value !== '');
  return (
    <dl class="facts">
      {shown.map(([name, value]) => [<dt key={name}>{name}</dt>, <dd key={`${name} is`}>{value}</dd>])}
    </dl>
  );
}

/** How far something has come. */
export function Bar({ percent, label, tone }: {
  readonly percent: number;
  readonly label: string;
  readonly tone?: string;
}) {
  return (
    <span
      class={`bar ${tone ? `tone-${tone}` : ''}`}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(percent)}
    >
      <i style={{ width: `${percent}%` }} />
    </span>
  );
}
