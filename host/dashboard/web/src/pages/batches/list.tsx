// Batches: runs that belong together, newest first.
import { api } from '../../api/client';
import { useFetched } from '../../api/query';
import { Empty, Failure, Loading } from '../../parts/feedback';
import { PageHead } from '../../parts/layout';
import { Pages } from '../../parts/pages';
import { usePlace } from '../../router';
import { BatchTable } from './parts';
import type { Batch } from './types';

/** The least time between two looks: 1 second. */
const LOOK_MS_MIN = 1_000;

export function BatchesPage() {
  const cursor = usePlace().query.get('cursor') ?? undefined;
  const found = useFetched<{ readonly batches: readonly Batch[]; readonly next: string | null }>(
    `batches ${cursor ?? ''}`,
    (signal) => api.get('/batches', { cursor }, signal),
    (event) => typeof event.kind === 'object',
    LOOK_MS_MIN,
  );
  const { batches = [], next = null } = found.data ?? {};
  return (
    <>
      <PageHead title="Batches" />
      {found.error && <Failure of={found.error} retry={found.refetch} />}
      <section class="card">
        {!found.data && found.isLoading && <Loading />}
        {found.data && batches.length === 0 && <Empty>No batches. <code>zapjobs batch create</code> makes one.</Empty>}
        {batches.length > 0 && <BatchTable batches={batches} label="Batches" />}
        {(cursor || next) && <Pages label="Pages of batches" cursor={cursor} next={next} />}
      </section>
    </>
  );
}
