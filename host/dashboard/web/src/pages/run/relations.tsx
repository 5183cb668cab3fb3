// What a run has to do with others, and what it has recorded.
import { api } from '../../api/client';
import { useFetched } from '../../api/query';
import { JsonText } from '../../parts/json';
import { Card, Facts, Table } from '../../parts/layout';
import { Ago } from '../../parts/time';
import { isVoid } from '../../text/json';
import { shortId } from '../runs/table';
import type { ShownRun } from './page';

export function Relations({ run }: { readonly run: ShownRun }) {
  if (!run.parent && run.after.length === 0) return null;
  return (
    <Card title="Related runs">
      <Facts
        of={[
          ['Parent', run.parent && <RunLink id={run.parent} />],
          ...run.after.map(({ run: id, on }) => ['Waits for', <span key={id}><RunLink id={id} />, {on}</span>] as const),
        ]}
      />
    </Card>
  );
}

const RunLink = ({ id }: { readonly id: string }) => <a class="mono" href={`/runs/${id}`} title={id}>{shortId(id)}</a>;

interface Step {
  readonly name: string;
  readonly result: unknown;
  readonly at: string;
}

/** The steps that a run has recorded; nothing where it has none. */
export function Steps({ run }: { readonly run: ShownRun }) {
  const steps = useFetched<{ readonly steps: readonly Step[] }>(
    `steps ${run.id}`,
    (signal) => api.get(`/runs/${run.id}/steps`, undefined, signal),
    (event) => event.run === run.id && event.kind !== 'logged',
    2_000,
  );
  if (!steps.data || steps.data.steps.length === 0) return null;
  return (
    <Card title="Recorded steps" isFlush>
      <Table label="Recorded steps" head={<><th>Step</th><th class="wide">Result</th><th>Recorded</th></>}>
        {steps.data.steps.map((step) => (
          <tr key={step.name}>
            <td class="strong">{step.name}</td>
            <td>{isVoid(step.result) ? <span class="faint">nothing</span> : <details><summary class="mono">{short(step.result)}</summary><JsonText value={step.result} label={`Result of ${step.name}`} /></details>}</td>
            <td class="muted"><Ago at={step.at} /></td>
          </tr>
        ))}
      </Table>
    </Card>
  );
}

/** The first of a result. */
function short(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)} …` : text;
}
