// Runs, one row each.
import type { Run } from '../../api/types';
import { Bar, Table } from '../../parts/layout';
import { Status } from '../../parts/status';
import { Ago, Took } from '../../parts/time';
import { percent } from '../../text/number';

interface RunTableProps {
  readonly runs: readonly Run[];
  /** The runs that are ticked; without it there is nothing to tick. */
  readonly chosen?: ReadonlySet<string> | undefined;
  readonly onChoose?: (chosen: ReadonlySet<string>) => void;
}

export function RunTable({ runs, chosen, onChoose }: RunTableProps) {
  const areAll = runs.length > 0 && runs.every((run) => chosen?.has(run.id));
  const toggle = (id: string): void => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    onChoose?.(next);
  };
  const all = (): void => onChoose?.(areAll ? new Set() : new Set(runs.map((run) => run.id)));
  return (
    <Table
      label="Runs"
      head={
        <>
          {chosen && (
            <th class="tick">
              <input type="checkbox" aria-label="Choose all on this page" checked={areAll} onChange={all} />
            </th>
          )}
          <th>Status</th>
          <th>Job</th>
          <th class="optional">Run</th>
          <th class="optional">Queue</th>
          <th class="wide">What it says</th>
          <th>Created</th>
          <th class="right optional">Took</th>
        </>
      }
    >
      {runs.map((run) => (
        <tr key={run.id} aria-selected={chosen?.has(run.id)}>
          {chosen && (
            <td class="tick">
              <input
                type="checkbox"
                aria-label={`Choose run ${shortId(run.id)}`}
                checked={chosen.has(run.id)}
                onChange={() => toggle(run.id)}
              />
            </td>
          )}
          <td><Status of={run.status} /></td>
          <td><a class="title-link nowrap" href={`/runs/${run.id}`}>{run.job_type}</a></td>
          <td class="optional mono faint nowrap" title={run.id}>{shortId(run.id)}</td>
          <td class="optional muted nowrap">{run.queue}</td>
          <td class="clip wide"><Says run={run} /></td>
          <td class="muted"><Ago at={run.created_at} /></td>
          <td class="right optional muted">{run.started_at ? <Took from={run.started_at} to={run.finished_at ?? endOf(run)} /> : <span class="faint">–</span>}</td>
        </tr>
      ))}
    </Table>
  );
}

/** The end of an id: ids of the same time begin alike. */
export const shortId = (id: string): string => id.slice(-8);

/** A run that waits for another attempt takes no time. */
const endOf = (run: Run): string | null => (run.status === 'running' ? null : (run.started_at ?? null));

function Says({ run }: { readonly run: Run }) {
  const { progress, error } = run;
  if (run.status === 'running' && progress.total) {
    const done = percent(progress.done, progress.total);
    return (
      <span class="row">
        <span class="says-bar"><Bar percent={done} label="Progress" tone="live" /></span>
        <span class="faint">{progress.message}</span>
      </span>
    );
  }
  if (error && run.status !== 'completed') return <span class="muted" title={error.message}>{error.type ? `${error.type}: ` : ''}{error.message}</span>;
  return (
    <span class="tags">
      {run.tags.map((tag) => <span class="tag" key={tag}>{tag}</span>)}
      {run.tags.length === 0 && progress.message && <span class="faint">{progress.message}</span>}
    </span>
  );
}
