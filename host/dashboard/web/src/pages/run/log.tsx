// A run's log, as it grows.
//
// Invariant: lines are text, whatever is in them; so many are kept at most, and it says when there
// are more.
import { useEffect, useRef, useState } from 'preact/hooks';

import { api } from '../../api/client';
import { onHint } from '../../api/live';
import { messageOf } from '../../api/problem';
import type { LogEntry, LogLevel } from '../../api/types';
import { Card } from '../../parts/layout';
import type { Tone } from '../../parts/status';
import { count } from '../../text/number';
import { clock, exact } from '../../text/time';

/** Lines that are shown at most. */
export const LINES_MAX = 5_000;
/** Lines that are fetched at a time. */
const PAGE_SIZE = 1_000;
/** The least time between two looks at the log: a quarter of a second. */
const LOOK_MS_MIN = 250;

const LEVELS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error'];
const TONES: Record<LogLevel, Tone> = { trace: 'quiet', debug: 'quiet', info: 'good', warn: 'warn', error: 'bad' };

interface LogPage {
  readonly entries: readonly LogEntry[];
  readonly next: string | null;
  readonly has_more: boolean;
}

/** What is known of a log. */
export interface Log {
  readonly entries: readonly LogEntry[];
  readonly isCut: boolean;
  readonly problem: string | undefined;
}

/** Follows a run's log. */
export function useLog(run: string): Log {
  const [log, setLog] = useState<Log>({ entries: [], isCut: false, problem: undefined });
  useEffect(() => {
    setLog({ entries: [], isCut: false, problem: undefined });
    const stop = new AbortController();
    let cursor: string | undefined;
    let entries: LogEntry[] = [];
    let isBusy = false;
    let isWanted = false;
    let timer: number | undefined;
    const look = async (): Promise<void> => {
      timer = undefined;
      if (isBusy) {
        isWanted = true;
        return;
      }
      isBusy = true;
      isWanted = false;
      try {
        let hasMore = true;
        while (hasMore && entries.length < LINES_MAX) {
          const page = await api.get<LogPage>(`/runs/${run}/logs`, { cursor, limit: PAGE_SIZE }, stop.signal);
          cursor = page.next ?? cursor;
          hasMore = page.has_more;
          if (page.entries.length > 0) entries = [...entries, ...page.entries];
        }
        setLog({ entries, isCut: entries.length >= LINES_MAX, problem: undefined });
      } catch (error) {
        if (!stop.signal.aborted) setLog({ entries, isCut: false, problem: messageOf(error) });
      }
      isBusy = false;
      if (isWanted && !stop.signal.aborted) soon();
    };
    const soon = (): void => {
      timer ??= window.setTimeout(() => void look(), LOOK_MS_MIN);
    };
    void look();
    const off = onHint((hint) => {
      const isOurs = hint === 'everything' || (hint.run === run && hint.kind !== 'progressed');
      if (isOurs && entries.length < LINES_MAX) soon();
    });
    return () => {
      off();
      clearTimeout(timer);
      stop.abort();
    };
  }, [run]);
  return log;
}

export function LogCard({ log, isRunning }: { readonly log: Log; readonly isRunning: boolean }) {
  const [level, setLevel] = useState<LogLevel>('trace');
  const [isFollowing, setFollowing] = useState(true);
  const box = useRef<HTMLDivElement>(null);
  const shown = log.entries.filter((entry) => LEVELS.indexOf(entry.level) >= LEVELS.indexOf(level));
  useEffect(() => {
    if (isFollowing && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [isFollowing, shown.length]);
  const scrolled = (): void => {
    const at = box.current;
    // Whoever scrolls up wants to read; whoever comes back to the end wants to follow.
    if (at && isRunning) setFollowing(at.scrollHeight - at.scrollTop - at.clientHeight < 24);
  };
  return (
    <Card
      title={`Log${log.entries.length > 0 ? ` · ${count(log.entries.length)}` : ''}`}
      isFlush
      acts={
        <>
          {isRunning && (
            <label class="check">
              <input type="checkbox" checked={isFollowing} onChange={(event) => setFollowing(event.currentTarget.checked)} />
              Follow
            </label>
          )}
          <select class="input narrow" aria-label="Least level" value={level} onChange={(event) => setLevel(event.currentTarget.value as LogLevel)}>
            {LEVELS.map((one) => <option key={one} value={one}>{one === 'trace' ? 'all levels' : one === 'error' ? 'errors' : `${one} and worse`}</option>)}
          </select>
        </>
      }
    >
      <div class="log" ref={box} tabIndex={0} role="log" aria-label="Log lines" onScroll={scrolled}>
        {shown.map((entry) => <Line key={`${entry.lease}-${entry.index}`} entry={entry} />)}
        {shown.length === 0 && <p class="log-empty">{emptyText(log, isRunning)}</p>}
        {log.isCut && <p class="log-empty">These are the first {count(LINES_MAX)} lines. <code>zapjobs runs logs</code> shows all.</p>}
      </div>
    </Card>
  );
}

function emptyText(log: Log, isRunning: boolean): string {
  if (log.problem) return `Cannot show the log: ${log.problem}`;
  if (log.entries.length > 0) return 'No line of this level.';
  return isRunning ? 'It has said nothing so far.' : 'It said nothing.';
}

function Line({ entry }: { readonly entry: LogEntry }) {
  const fields = Object.entries(entry.fields ?? {});
  return (
    <div class={`log-line tone-${TONES[entry.level]}`}>
      <time dateTime={entry.at} title={exact(entry.at)}>{clock(entry.at)}</time>
      <span class="log-level">{entry.level}</span>
      <span class="log-text">
        <span class="log-field">{entry.category} </span>
        {entry.message}
        {fields.map(([name, value]) => (
          <span class="log-field" key={name}> {name}={typeof value === 'string' ? value : JSON.stringify(value)}</span>
        ))}
      </span>
    </div>
  );
}
