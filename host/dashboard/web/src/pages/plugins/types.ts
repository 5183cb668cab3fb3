// Plugins as the API tells of them.

export type PluginState = 'serving' | 'pinned' | 'held' | 'refused' | 'unserved' | 'out-of-service' | 'retired';

/** The file in the directory, where it is not what serves. */
export interface TurnedDown {
  readonly digest: string;
  readonly reason: string;
  /** Whether it waits for approval. */
  readonly held: boolean;
  readonly wants_more: readonly string[];
}

export interface Plugin {
  readonly tenant: string;
  readonly name: string;
  readonly state: PluginState;
  readonly reason: string | null;
  readonly serving: string | null;
  readonly jobs: readonly string[];
  readonly wants: readonly string[];
  readonly signature: string;
  readonly turned_down: TurnedDown | null;
  readonly pinned: string | null;
  readonly out_of_service_until: string | null;
  readonly retired_at: string | null;
  readonly versions_count: number;
}

export interface Version {
  readonly digest: string;
  readonly accepted_at: string;
  readonly wants: readonly string[];
  readonly jobs: readonly string[];
  readonly signature: string;
  readonly current: boolean;
  readonly pinned: boolean;
  readonly kept: boolean;
  readonly bytes: number;
}

export interface ShownPlugin extends Plugin {
  readonly versions: readonly Version[];
  readonly approved: readonly string[];
  readonly grants: Readonly<Record<string, readonly string[]>> | null;
  readonly limits: Readonly<Record<string, unknown>> | null;
}

/** The beginning of a digest, enough to tell versions apart. */
export const shortDigest = (digest: string): string => digest.replace(/^sha256:/, '').slice(0, 12);

/** Where a plugin is in the API. */
export const pluginPath = (name: string): string => `/plugins/${encodeURIComponent(name)}`;
