// The last day, hour by hour, as the statistics tell it.
import { useMemo } from 'preact/hooks';

import { api } from '../../api/client';
import { useFetched } from '../../api/query';
import { Chart } from '../../parts/chart';
import { Failure } from '../../parts/feedback';
import { Card } from '../../parts/layout';
import { useNow } from '../../parts/time';
import { instant, span } from '../../text/time';
import { fill, type SpanSums } from './hours';

/** Hours that are shown. */
const HOURS = 48;
/** The least time between two looks: 15 seconds. */
const LOOK_MS_MIN = 15_000;

export function PastCards() {
  const hour = Math.floor(useNow() / 3_600_000);
  const found = useFetched<{ readonly spans: readonly SpanSums[] }>(
    `statistics ${hour}`,
    (signal) => api.get('/statistics', { by: 'hour', latest: HOURS }, signal),
    (event) => typeof event.kind === 'object',
    LOOK_MS_MIN,
  );
  const shown = useMemo(() => {
    const hours = fill(found.data?.spans ?? [], hour, HOURS);
    return {
      times: hours.map((one) => instant(one.from) / 1_000),
      ends: [
        { name: 'completed', tone: 'good' as const, values: hours.map((one) => one.completed) },
        { name: 'failed', tone: 'bad' as const, isDashed: true, values: hours.map((one) => one.failed) },
      ],
      durations: [
        { name: 'mean time of an attempt', tone: 'live' as const, values: hours.map(meanMs) },
      ],
    };
  }, [found.data, hour]);
  if (found.error) return <Failure of={found.error} retry={found.refetch} />;
  return (
    <>
      <Card title="Runs that ended, per hour"><Chart label="Runs that ended in each of the last 48 hours" times={shown.times} lines={shown.ends} /></Card>
      <Card title="Time of an attempt"><Chart label="Mean time of an attempt in each of the last 48 hours" times={shown.times} lines={shown.durations} format={span} /></Card>
    </>
  );
}

/** The mean time of the attempts that ended in an hour; nothing where none did. */
function meanMs(sums: SpanSums): number | null {
  const attempts = sums.completed + sums.failed + sums.retried + sums['put-back'];
  return attempts === 0 ? null : sums['wall-us'] / 1_000 / attempts;
}
