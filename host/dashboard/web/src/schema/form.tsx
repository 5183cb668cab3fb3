// A form made from a JSON Schema.
import type { Fault } from '../api/problem';
import { Icon } from '../parts/icon';
import { ChoiceField, JsonField, NumberField, TextField, TruthField } from './fields';
import { kindOf, resolved, type Field, type Schema } from './kind';
import { first, withField, within, withItem } from './value';

/** Items of a list that are shown as fields at most; a longer one is edited as JSON. */
const ITEMS_MAX = 50;

interface FormProps {
  readonly schema: Schema;
  readonly value: unknown;
  readonly onChange: (value: unknown) => void;
  /** What the server found wrong, with the places in the value. */
  readonly faults: readonly Fault[];
}

/** The fields for the whole schema. */
export function SchemaForm({ schema, value, onChange, faults }: FormProps) {
  return <Part {...{ schema, whole: schema, value, onChange, faults }} pointer="" depth={0} name="Input" isRequired />;
}

/** One part of the form, wherever it lies. */
export interface PartProps extends FormProps {
  readonly whole: Schema;
  readonly pointer: string;
  readonly depth: number;
  readonly name: string;
  readonly isRequired: boolean;
}

function Part(props: PartProps) {
  const { schema, whole, depth } = props;
  const kind = kindOf(schema, whole, depth);
  const of = resolved(schema, whole);
  const own = props.faults.filter((fault) => fault.pointer === props.pointer);
  const shared = {
    id: `field${props.pointer.replace(/[^\w-]/g, '-')}`,
    name: typeof of['title'] === 'string' && depth > 0 ? of['title'] : props.name,
    hint: typeof of['description'] === 'string' ? of['description'] : undefined,
    isRequired: props.isRequired,
    problem: own.map((fault) => fault.message).join('; ') || undefined,
    value: props.value,
    onChange: props.onChange,
  };
  switch (kind.kind) {
    case 'text':
      return <TextField {...shared} format={kind.format} isLong={kind.isLong} />;
    case 'number':
      return <NumberField {...shared} isWhole={kind.isWhole} min={kind.min} max={kind.max} />;
    case 'truth':
      return <TruthField {...shared} />;
    case 'choice':
      return <ChoiceField {...shared} of={kind.of} />;
    case 'list':
      return Array.isArray(props.value) && props.value.length > ITEMS_MAX
        ? <JsonField {...shared} />
        : <List {...props} item={kind.item} title={shared.name} hint={shared.hint} problem={shared.problem} />;
    case 'object':
      return <Fields {...props} fields={kind.fields} title={shared.name} hint={shared.hint} problem={shared.problem} />;
    default:
      return <JsonField {...shared} />;
  }
}

interface Titled {
  readonly title: string;
  readonly hint: string | undefined;
  readonly problem: string | undefined;
}

function Fields(props: PartProps & Titled & { readonly fields: readonly Field[] }) {
  const value = props.value as Record<string, unknown> | undefined;
  const parts = props.fields.map((field) => (
    <div class="field" key={field.name}>
      <Part
        schema={field.schema}
        whole={props.whole}
        value={value?.[field.name]}
        onChange={(next) => props.onChange(withField(props.value, field.name, next))}
        faults={props.faults}
        pointer={within(props.pointer, field.name)}
        depth={props.depth + 1}
        name={field.name}
        isRequired={field.isRequired}
      />
    </div>
  ));
  if (props.depth === 0) {
    return <div>{props.problem && <p class="field-problem" role="alert">{props.problem}</p>}{parts}</div>;
  }
  return (
    <fieldset>
      <legend>{props.title}</legend>
      {props.hint && <p class="field-hint">{props.hint}</p>}
      {props.problem && <p class="field-problem" role="alert">{props.problem}</p>}
      {parts}
    </fieldset>
  );
}

function List(props: PartProps & Titled & { readonly item: Schema }) {
  const items = Array.isArray(props.value) ? (props.value as unknown[]) : [];
  const added = (): unknown => first(props.item, props.whole, props.depth + 1) ?? null;
  return (
    <fieldset>
      <legend>{props.title}</legend>
      {props.hint && <p class="field-hint">{props.hint}</p>}
      {props.problem && <p class="field-problem" role="alert">{props.problem}</p>}
      {items.map((item, at) => (
        <div class="field" key={at}>
          <Part
            schema={props.item}
            whole={props.whole}
            value={item}
            onChange={(next) => props.onChange(withItem(items, at, next))}
            faults={props.faults}
            pointer={within(props.pointer, at)}
            depth={props.depth + 1}
            name={`${props.title} ${at + 1}`}
            isRequired
          />
          <div>
            <button type="button" class="button small" onClick={() => props.onChange(items.filter((_, index) => index !== at))}>
              <Icon name="close" /> Remove {props.title} {at + 1}
            </button>
          </div>
        </div>
      ))}
      <div class="field">
        <div>
          <button type="button" class="button small" onClick={() => props.onChange([...items, added()])}>
            <Icon name="plus" /> Add to {props.title}
          </button>
        </div>
      </div>
    </fieldset>
  );
}
