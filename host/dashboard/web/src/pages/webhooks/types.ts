// Webhooks as the API tells of them.

/** What a webhook can be told of, and what that means. */
export const EVENTS = [
  ['run.completed', 'a run ended well'],
  ['run.failed', 'a run failed for good'],
  ['run.cancelled', 'a run was cancelled or skipped'],
] as const;

export interface Webhook {
  readonly name: string;
  readonly url: string;
  readonly events: readonly string[];
  readonly job: string | null;
  readonly with_output: boolean;
  readonly enabled: boolean;
  readonly since: string;
  readonly created_at: string;
  readonly rests_until: string | null;
  readonly waiting: number;
  readonly delivered: number;
  readonly failed: number;
  readonly given_up: number;
}

export interface Delivery {
  readonly at: string;
  readonly id: string;
  readonly event: string;
  readonly run: string | null;
  readonly attempt: number;
  readonly took_ms: number;
  readonly status: number | null;
  readonly error: string | null;
  readonly outcome: 'delivered' | 'failed' | 'given-up';
}

/** Where a webhook is in the API. */
export const webhookPath = (name: string): string => `/webhooks/${encodeURIComponent(name)}`;
