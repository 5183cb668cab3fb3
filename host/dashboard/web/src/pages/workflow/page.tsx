// A workflow as a graph that shows how its nodes stand.
import { useState } from 'preact/hooks';

import { useAccess } from '../../api/access';
import { api } from '../../api/client';
import { useFetched } from '../../api/query';
import type { RunStatus } from '../../api/types';
import { Confirm } from '../../parts/dialog';
import { Failure, Loading } from '../../parts/feedback';
import { Icon } from '../../parts/icon';
import { Card, PageHead, Table } from '../../parts/layout';
import { isFinal, Status, statusText, toneOf } from '../../parts/status';
import { plural } from '../../text/number';
import { place, type Edge } from './graph';

const NODE = { width: 170, height: 48, gapX: 70, gapY: 22, margin: 16 };
/** Characters of a name that fit into its box. */
const NAME_CHARS_MAX = 20;

interface Node {
  readonly name: string;
  readonly run: string;
  readonly job_type: string;
  readonly status: RunStatus;
  readonly error: string | null;
}

interface Workflow {
  readonly id: string;
  readonly name: string;
  readonly nodes: readonly Node[];
  readonly edges: readonly Edge[];
}

export function WorkflowPage({ id }: { readonly id: string }) {
  const path = `/workflows/${encodeURIComponent(id)}`;
  const found = useFetched<Workflow>(
    `workflow ${id}`,
    (signal) => api.get(path, undefined, signal),
    (event) => event.kind === 'started' || typeof event.kind === 'object',
  );
  const { canOperate } = useAccess();
  const [isAsked, setAsked] = useState(false);
  const workflow = found.data;
  if (!workflow) {
    return (
      <>
        <PageHead title="Workflow" />
        {found.error ? <Failure of={found.error} retry={found.refetch} /> : <Loading />}
      </>
    );
  }
  const isOver = workflow.nodes.every((node) => isFinal(node.status));
  return (
    <>
      <PageHead
        title={workflow.name || 'Workflow'}
        sub={<span>{plural(workflow.nodes.length, 'run')}</span>}
        acts={canOperate && !isOver && (
          <button type="button" class="button danger" onClick={() => setAsked(true)}><Icon name="cancel" /> Call off</button>
        )}
      />
      <Card><Graph workflow={workflow} /></Card>
      <Card title="Runs" isFlush>
        <Table label="Runs of the workflow" head={<><th>Node</th><th>Status</th><th>Job</th><th class="wide">Error</th></>}>
          {workflow.nodes.map((node) => (
            <tr key={node.run}>
              <td><a class="title-link" href={`/runs/${node.run}`}>{node.name}</a></td>
              <td><Status of={node.status} /></td>
              <td class="muted">{node.job_type}</td>
              <td class="muted clip wide">{node.error}</td>
            </tr>
          ))}
        </Table>
      </Card>
      {isAsked && (
        <Confirm
          title="Call this workflow off?"
          action="Call it off"
          isDanger
          onClose={() => setAsked(false)}
          onConfirm={async () => { await api.post(`${path}/cancel`); found.refetch(); }}
        >
          Its runs that wait are cancelled, those that run are asked to stop.
        </Confirm>
      )}
    </>
  );
}

function Graph({ workflow }: { readonly workflow: Workflow }) {
  const placed = place(workflow.nodes.map((node) => node.name), workflow.edges);
  const left = (column: number): number => NODE.margin + column * (NODE.width + NODE.gapX);
  const top = (row: number): number => NODE.margin + row * (NODE.height + NODE.gapY);
  const at = new Map(placed.map((one) => [one.name, one]));
  const width = left(Math.max(0, ...placed.map((one) => one.column))) + NODE.width + NODE.margin;
  const height = top(Math.max(0, ...placed.map((one) => one.row))) + NODE.height + NODE.margin;
  return (
    <div class="graph" tabIndex={0} role="region" aria-label="The workflow as a graph; the table below says the same">
      <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`}>
        {workflow.edges.map(({ from, to, on }) => {
          const [start, end] = [at.get(from), at.get(to)];
          if (!start || !end) return null;
          const [x1, y1] = [left(start.column) + NODE.width, top(start.row) + NODE.height / 2];
          const [x2, y2] = [left(end.column), top(end.row) + NODE.height / 2];
          const bend = (x2 - x1) / 2;
          return (
            <path key={`${from} ${to}`} class={`edge edge-${on}`} d={`M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`}>
              <title>{`${to} follows ${from}: ${on}`}</title>
            </path>
          );
        })}
        {workflow.nodes.map((node) => {
          const spot = at.get(node.name);
          if (!spot) return null;
          const name = node.name.length > NAME_CHARS_MAX ? `${node.name.slice(0, NAME_CHARS_MAX - 1)}…` : node.name;
          return (
            <a key={node.run} href={`/runs/${node.run}`} class={`tone-${toneOf(node.status)}`}>
              <rect class="node-box" x={left(spot.column)} y={top(spot.row)} width={NODE.width} height={NODE.height} rx={7} />
              <text class="node-name" x={left(spot.column) + 12} y={top(spot.row) + 20}>{`${name} `}</text>
              <text class="node-status" x={left(spot.column) + 12} y={top(spot.row) + 37}>{statusText(node.status)}</text>
            </a>
          );
        })}
      </svg>
    </div>
  );
}
