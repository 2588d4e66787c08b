/** A Kubernetes object in the store. */
export interface Stored {
  kind: string;
  metadata: {
    name: string;
    uid: string;
    namespace?: string;
    resourceVersion?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    [key: string]: unknown;
  };
  [key: string]: unknown;
}

/** A failure on request: the next `times` calls whose arguments fit `pattern` end with `stderr`. */
export interface Fault {
  readonly pattern: string;
  readonly stderr: string;
  times: number;
}

/** One call of kubectl. */
export interface Call {
  readonly argv: readonly string[];
  /** One character for each byte. */
  readonly stdin: string;
  /** Whether it came through `kubectl proxy`, as a path. */
  readonly isProxied: boolean;
}

/** One test's cluster. */
export interface Store {
  readonly objects: Stored[];
  readonly faults: Fault[];
  /** Answers to `--raw` requests, by their path's last segment. */
  readonly raw: Map<string, string>;
  readonly calls: Call[];
  /** Calls with one of these in them are never answered. */
  readonly held: string[];
}
