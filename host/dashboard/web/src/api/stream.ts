// An event stream that comes back by itself.
//
// Invariant: at most one connection at a time; between tries it waits, longer each time.
//
// It is read by `fetch`, not by `EventSource`: only so can a request carry the token.
import { address, credentials } from './client';
import { session } from './session';
import { EventParser, type ServerEvent } from './sse';

/** The first wait before another try. */
const RETRY_MS_FIRST = 500;
/** The longest wait before another try. */
const RETRY_MS_MAX = 15_000;
/** Silence after which a connection counts as dead: the server sends keep-alives. */
const SILENCE_MS_MAX = 45_000;

/** How the connection stands. */
export type Connection = 'connecting' | 'online' | 'offline';

interface Listener {
  event(event: ServerEvent): void;
  state(state: Connection): void;
}

/** Follows a stream until the answer is called. */
export function follow(path: string, listener: Listener): () => void {
  const stop = new AbortController();
  void run(path, listener, stop.signal);
  return () => stop.abort();
}

async function run(path: string, listener: Listener, stop: AbortSignal): Promise<void> {
  let lastId: string | undefined;
  let wait = RETRY_MS_FIRST;
  listener.state('connecting');
  while (!stop.aborted) {
    // The server ends a stream after some minutes, so that tokens are looked at again.
    let hasEnded = false;
    try {
      const answer = await read(path, lastId, stop, (event) => {
        lastId = event.id ?? lastId;
        listener.event(event);
      }, () => {
        wait = RETRY_MS_FIRST;
        listener.state('online');
      });
      if (answer === 'gone') {
        listener.state('offline');
        return;
      }
      hasEnded = answer === 'ended';
    } catch {
      // Told by the state: it is tried again.
    }
    if (stop.aborted) return;
    listener.state(hasEnded ? 'connecting' : 'offline');
    await pause(wait * (0.75 + Math.random() / 2), stop);
    wait = Math.min(wait * 2, RETRY_MS_MAX);
  }
}

async function read(
  path: string,
  lastId: string | undefined,
  stop: AbortSignal,
  take: (event: ServerEvent) => void,
  opened: () => void,
): Promise<'ended' | 'gone' | 'refused'> {
  const silence = new AbortController();
  const timer = { id: 0 };
  const heard = () => {
    clearTimeout(timer.id);
    timer.id = window.setTimeout(() => silence.abort(), SILENCE_MS_MAX);
  };
  heard();
  try {
    const headers = { accept: 'text/event-stream', ...credentials() };
    const answer = await fetch(address(path), {
      headers: lastId === undefined ? headers : { ...headers, 'last-event-id': lastId },
      signal: AbortSignal.any([stop, silence.signal]),
      cache: 'no-store',
    });
    if (answer.status === 401) session.refused();
    if ([401, 403, 404].includes(answer.status)) return 'gone';
    if (!answer.ok || answer.body === null) return 'refused';
    opened();
    const parser = new EventParser();
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return 'ended';
      heard();
      parser.push(value).forEach(take);
    }
  } finally {
    clearTimeout(timer.id);
  }
}

function pause(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    stop.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
}
