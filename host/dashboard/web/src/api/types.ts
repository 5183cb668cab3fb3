// The API's documents, as far as the pages read them.

export const STATUSES = [
  'pending',
  'held',
  'scheduled',
  'running',
  'awaiting-retry',
  'completed',
  'failed',
  'cancelled',
] as const;

export type RunStatus = (typeof STATUSES)[number];
export type Blame = 'guest' | 'host' | 'operator';
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

export interface RunError {
  readonly type: string;
  readonly message: string;
  readonly details?: unknown;
  readonly blame: Blame;
}

export interface Progress {
  readonly done: number;
  readonly total: number | null;
  readonly message: string;
}

export interface Usage {
  readonly cpu_us: number;
  readonly wall_us: number;
  readonly wait_us: number;
  readonly memory_bytes_peak: number;
  readonly log_bytes: number;
  readonly log_lines: number;
  readonly log_lines_dropped: number;
  readonly output_bytes: number;
  readonly http_requests: number;
  readonly http_sent_bytes: number;
  readonly http_received_bytes: number;
}

export interface Run {
  readonly id: string;
  readonly tenant: string;
  readonly job_type: string;
  readonly queue: string;
  readonly priority: number;
  readonly trigger: string;
  readonly status: RunStatus;
  readonly input: unknown;
  readonly output?: unknown;
  readonly error?: RunError | null;
  readonly created_at: string;
  readonly due_at: string;
  readonly started_at?: string | null;
  readonly finished_at?: string | null;
  readonly deadline?: string | null;
  readonly attempt: number;
  readonly max_attempts: number;
  readonly host_faults: number;
  readonly lease: number;
  readonly worker?: string | null;
  readonly cancel_requested: boolean;
  readonly progress: Progress;
  readonly counts: { readonly processed: number; readonly succeeded: number; readonly failed: number };
  readonly usage: Usage;
  readonly digest?: string | null;
  readonly correlation_id?: string | null;
  readonly parent?: string | null;
  readonly tags: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly limit_key?: string | null;
  readonly batch?: string | null;
}

export interface LogEntry {
  readonly lease: number;
  readonly index: number;
  readonly at: string;
  readonly level: LogLevel;
  readonly category: string;
  readonly message: string;
  readonly fields?: Readonly<Record<string, unknown>> | null;
}

export type EventKind = 'started' | 'progressed' | 'logged' | { readonly settled: RunStatus };

export interface JobEvent {
  readonly at: string;
  readonly tenant: string;
  readonly run: string;
  readonly job_type: string;
  readonly queue: string;
  readonly kind: EventKind;
}

export type Counts = Readonly<Record<RunStatus, number>>;

export type Schedule =
  | { readonly kind: 'manual' }
  | { readonly kind: 'interval'; readonly every_ms: number; readonly start?: string }
  | { readonly kind: 'cron'; readonly expression: string; readonly time_zone?: string }
  | { readonly kind: 'once'; readonly at: string };

export interface JobDefinition {
  readonly key: { readonly tenant: string; readonly job_type: string };
  readonly display_name: string;
  readonly description: string;
  readonly queue: string;
  readonly schedule: Schedule;
  readonly retry: Readonly<Record<string, unknown>>;
  readonly timeout_ms?: number | null;
  readonly tags: readonly string[];
  readonly default_input: unknown;
  readonly input_schema?: unknown;
  readonly output_schema?: unknown;
  readonly digest?: string | null;
  readonly last_status?: RunStatus | null;
}
