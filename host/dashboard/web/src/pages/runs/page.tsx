// Runs: found, looked through, changed together.
import { useEffect, useRef, useState } from 'preact/hooks';

import { useAccess } from '../../api/access';
import { api } from '../../api/client';
import { useFetched } from '../../api/query';
import { STATUSES, type Counts, type Run, type RunStatus } from '../../api/types';
import { Empty, Failure, Loading } from '../../parts/feedback';
import { Icon } from '../../parts/icon';
import { PageHead } from '../../parts/layout';
import { Pages } from '../../parts/pages';
import { statusText } from '../../parts/status';
import { setQuery, usePlace } from '../../router';
import { shortCount } from '../../text/number';
import { BulkBar, type Choice } from './bulk';
import { filterOf, queryOf, searchOf, SPANS, typed, type RunFilter } from './filter';
import { RunTable } from './table';

/** Runs on a page. */
const PAGE_SIZE = 50;
/** How long a person may pause while typing before it is searched: a quarter of a second. */
const TYPING_MS = 250;
/** The least time between two counts: 2 seconds. */
const COUNT_MS_MIN = 2_000;

interface RunPage {
  readonly runs: readonly Run[];
  readonly next: string | null;
}

export function RunsPage() {
  const { query } = usePlace();
  const filter = filterOf(query);
  const cursor = query.get('cursor') ?? undefined;
  const [isLive, setLive] = useState(true);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const { canOperate } = useAccess();
  const filterKey = JSON.stringify(filter);
  useEffect(() => setChosen(new Set()), [filterKey]);

  const runs = useFetched<RunPage>(
    `runs ${filterKey} ${cursor ?? ''}`,
    (signal) => api.get('/runs', { ...queryOf(filter, Date.now()), cursor, limit: PAGE_SIZE }, signal),
    (event) => isLive && event.kind !== 'logged',
  );
  const counts = useFetched<Counts>(
    `counts ${JSON.stringify({ ...filter, statuses: [] })}`,
    (signal) => api.get('/runs/counts', queryOf(filter, Date.now(), false), signal),
    (event) => isLive && typeof event.kind === 'object',
    COUNT_MS_MIN,
  );

  const choice: Choice = { runs: chosen, filter, shown: runs.data?.runs ?? [] };
  return (
    <>
      <PageHead
        title="Runs"
        acts={
          <button type="button" class="button" aria-pressed={isLive} onClick={() => setLive(!isLive)}>
            <Icon name={isLive ? 'pause' : 'play'} /> {isLive ? 'Pause updates' : 'Resume updates'}
          </button>
        }
      />
      <Filters filter={filter} />
      <StatusChips filter={filter} counts={counts.data} />
      {runs.error && <Failure of={runs.error} retry={runs.refetch} />}
      <section class="card" aria-busy={runs.isLoading}>
        {!runs.data && runs.isLoading && <Loading />}
        {runs.data && runs.data.runs.length > 0 && (
          <RunTable runs={runs.data.runs} chosen={canOperate ? chosen : undefined} onChoose={setChosen} />
        )}
        {runs.data?.runs.length === 0 && <Empty>{emptyText(filter, cursor)}</Empty>}
        {runs.data && (cursor || runs.data.next) && <Pages label="Pages of runs" cursor={cursor} next={runs.data.next} />}
      </section>
      {canOperate && chosen.size > 0 && (
        <BulkBar choice={choice} counts={counts.data} onClear={() => setChosen(new Set())} onDone={() => { setChosen(new Set()); runs.refetch(); counts.refetch(); }} />
      )}
    </>
  );
}

function emptyText(filter: RunFilter, cursor: string | undefined): string {
  if (cursor) return 'No further runs.';
  const isFiltered = typed(filter) !== '' || filter.statuses.length > 0 || filter.span !== '';
  return isFiltered
    ? 'No run fits this filter.'
    : 'No runs yet. Enqueue one on the page of jobs, or with `zapjobs enqueue JOB`.';
}

function Filters({ filter }: { readonly filter: RunFilter }) {
  const [text, setText] = useState(typed(filter));
  const timer = useRef<number | undefined>(undefined);
  const shown = typed(filter);
  const latest = useRef(shown);
  useEffect(() => {
    // The address changed by itself: a link, or back.
    if (shown !== latest.current) setText(shown);
    latest.current = shown;
  }, [shown]);
  const search = (next: string): void => {
    const found = searchOf(next);
    latest.current = typed({ ...filter, ...found });
    setQuery({ ...found, cursor: undefined }, true);
  };
  const type = (next: string): void => {
    setText(next);
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => search(next), TYPING_MS);
  };
  return (
    <form class="filters" role="search" onSubmit={(event) => { event.preventDefault(); clearTimeout(timer.current); search(text); }}>
      <div class="search">
        <Icon name="search" />
        <input
          class="input"
          type="search"
          aria-label="Search runs"
          placeholder="Id, job, error text, tag:…, job:…, queue:…"
          value={text}
          onInput={(event) => type(event.currentTarget.value)}
        />
      </div>
      <select
        class="input narrow"
        aria-label="Created"
        value={filter.span}
        onChange={(event) => setQuery({ span: event.currentTarget.value, cursor: undefined })}
      >
        <option value="">Any time</option>
        {Object.entries(SPANS).map(([word, { name }]) => <option key={word} value={word}>{name}</option>)}
      </select>
    </form>
  );
}

function StatusChips({ filter, counts }: { readonly filter: RunFilter; readonly counts: Counts | undefined }) {
  const toggle = (status: RunStatus): void => {
    const next = filter.statuses.includes(status)
      ? filter.statuses.filter((one) => one !== status)
      : [...filter.statuses, status];
    setQuery({ status: next.join(','), cursor: undefined });
  };
  return (
    <div class="filters chips" role="group" aria-label="Status">
      {STATUSES.map((status) => (
        <button
          key={status}
          type="button"
          class="chip"
          aria-pressed={filter.statuses.includes(status)}
          onClick={() => toggle(status)}
        >
          <Icon name={status} />{statusText(status)}
          {counts && <b>{shortCount(counts[status] ?? 0)}</b>}
        </button>
      ))}
    </div>
  );
}
