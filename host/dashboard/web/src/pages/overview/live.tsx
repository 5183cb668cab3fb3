// What happens now, second by second, as the events tell it.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';

import { onHint } from '../../api/live';
import { Chart } from '../../parts/chart';
import { Card } from '../../parts/layout';
import { LiveRates, SPAN_S } from '../live-rates';

/** Since the dashboard was opened: going to another page and back keeps it. */
const rates = new LiveRates();
const seconds = (): number => Date.now() / 1_000;
onHint((hint) => {
  if (hint !== 'everything') rates.add(hint, seconds());
});

export function LiveCard() {
  const [now, setNow] = useState(seconds);
  const timer = useRef<number>(undefined);
  useEffect(() => {
    timer.current = window.setInterval(() => {
      if (document.visibilityState === 'visible') setNow(seconds());
    }, SPAN_S * 1_000);
    return () => clearInterval(timer.current);
  }, []);
  const { times, lines } = useMemo(() => {
    const { times: spans, rates: counted } = rates.until(now);
    return {
      times: spans,
      lines: [
        { name: 'started', tone: 'live' as const, values: counted.started },
        { name: 'completed', tone: 'good' as const, values: counted.completed },
        { name: 'failed attempts', tone: 'bad' as const, isDashed: true, values: counted.failed },
      ],
    };
  }, [now]);
  return (
    <Card title="Now, per second">
      <Chart label="Attempts per second in the last 5 minutes" times={times} lines={lines} format={perSecond} />
    </Card>
  );
}

const perSecond = (value: number): string => (value < 10 ? value.toFixed(1) : String(Math.round(value)));
