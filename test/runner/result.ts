/** A test that failed, or a part that did as a whole. */
export interface Failure {
  /** With the names of the suites that it is in. */
  readonly name: string;
  /** Test file from the project's root; none for a part as a whole. */
  readonly file?: string;
  /** One line. */
  readonly why: string;
}

/** What a part's process tells while it runs. */
export type Report =
  | { readonly type: "passed" | "skipped" | "over" }
  | ({ readonly type: "failed" } & Failure)
  | { readonly type: "notRun"; readonly why: string };

/** What came out of one part. */
export interface Result {
  /** The part's name. */
  readonly part: string;
  readonly passed: number;
  readonly skipped: number;
  readonly failures: readonly Failure[];
  /** Wall time in milliseconds. */
  readonly elapsedMs: number;
  /** Why it can't be run on this host. */
  readonly notRun?: string;
}
