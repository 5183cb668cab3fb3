// Numbers over time.
//
// Invariant: colours are the theme's; a chart is drawn anew when the theme changes. What it shows is
// in words beside it for whoever does not see it.
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';

import { useStore } from '../store';
import { shortCount } from '../text/number';
import { theme } from '../theme';
import type { Tone } from './status';

const HEIGHT = 190;

/** One line of a chart. */
export interface Line {
  readonly name: string;
  readonly tone: Tone;
  readonly isDashed?: boolean;
  readonly values: readonly (number | null)[];
}

interface ChartProps {
  readonly label: string;
  /** Seconds since 1970. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  readonly format?: (value: number) => string;
}

export function Chart({ label, times, lines, format = shortCount }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const appearance = useAppearance();
  const shape = lines.map((line) => `${line.name} ${line.tone}`).join('|');

  useEffect(() => {
    const at = box.current;
    if (!at) return undefined;
    const made = new uPlot(options(at.clientWidth, lines, format), dataOf(times, lines), at);
    plot.current = made;
    const resized = new ResizeObserver(() => made.setSize({ width: at.clientWidth, height: HEIGHT }));
    resized.observe(at);
    return () => {
      resized.disconnect();
      made.destroy();
      plot.current = undefined;
    };
  }, [shape, appearance]);

  useEffect(() => plot.current?.setData(dataOf(times, lines)), [times, lines]);

  return (
    <figure>
      <div class="chart" ref={box} role="img" aria-label={`${label}: ${inWords(lines, format)}`} />
      <figcaption class="legend">
        {lines.map(({ name, tone, isDashed }) => (
          <span key={name} class={`tone-${tone}`}><i class={isDashed ? 'dashed' : ''} />{name}</span>
        ))}
      </figcaption>
    </figure>
  );
}

/** The latest values, for whoever does not see the lines. */
function inWords(lines: readonly Line[], format: (value: number) => string): string {
  return lines.map(({ name, values }) => `${name} ${format(values.at(-1) ?? 0)}`).join(', ');
}

function dataOf(times: readonly number[], lines: readonly Line[]): uPlot.AlignedData {
  return [[...times], ...lines.map((line) => [...line.values])] as uPlot.AlignedData;
}

function options(width: number, lines: readonly Line[], format: (value: number) => string): uPlot.Options {
  const styles = getComputedStyle(document.documentElement);
  const color = (name: string): string => styles.getPropertyValue(`--${name}`).trim();
  const axis = {
    stroke: color('ink-3'),
    font: `11px ${color('sans')}`,
    grid: { stroke: color('line'), width: 1 },
    ticks: { show: false },
  };
  return {
    width,
    height: HEIGHT,
    padding: [10, 8, 0, 0],
    cursor: { y: false, points: { size: 6 } },
    legend: { show: false },
    scales: { y: { range: (_, _min, max) => [0, Math.max(1, (max ?? 0) * 1.1)] } },
    axes: [
      { ...axis, grid: { show: false }, space: 70, size: 28, values: (_, ticks, _axis, _space, step) => ticks.map((tick) => timeText(tick, step)) },
      { ...axis, size: 46, values: (_, ticks) => ticks.map((tick) => format(tick)) },
    ],
    series: [
      {},
      ...lines.map(({ name, tone, isDashed, values }) => ({
        label: name,
        stroke: color(tone),
        width: 1.75,
        ...(isDashed && { dash: [4, 4] }),
        ...(!isDashed && lines.length < 3 && { fill: color(`${tone}-soft`) }),
        // A value between gaps is no line: it needs a point to be seen.
        points: { show: values.includes(null), size: 5 },
      })),
    ],
  };
}

/** A time as the step between two of them allows: the hour and minute, or the day. */
function timeText(seconds: number, step: number): string {
  const parts: Intl.DateTimeFormatOptions = step >= 86_400
    ? { day: 'numeric', month: 'short' }
    : { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', ...(step < 60 && { second: '2-digit' }) };
  return new Intl.DateTimeFormat('en-GB', parts).format(seconds * 1_000);
}

/** Changes with the theme, the system's included. */
function useAppearance(): string {
  const chosen = useStore(theme);
  const [isDark, setDark] = useState(() => matchMedia('(prefers-color-scheme: dark)').matches);
  useEffect(() => {
    const query = matchMedia('(prefers-color-scheme: dark)');
    const changed = (): void => setDark(query.matches);
    query.addEventListener('change', changed);
    return () => query.removeEventListener('change', changed);
  }, []);
  return `${chosen} ${isDark}`;
}
