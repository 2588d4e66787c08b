import type { Report } from "./result.ts";

interface TestError {
  readonly failureType?: string;
  readonly cause?: unknown;
  /** How the process of a file ended: a number, or a signal. */
  readonly exitCode?: number | null;
  readonly signal?: string | null;
}

/** What this project reads of an event of Node's test runner. */
export interface TestEvent {
  readonly type: string;
  readonly data: {
    readonly name?: string;
    readonly nesting?: number;
    /** Where the test is written: a helper, for one that is made there. */
    readonly file?: string;
    /** The file that was run. */
    readonly entryFile?: string;
    readonly skip?: string | boolean;
    readonly todo?: string | boolean;
    readonly details?: {
      readonly duration_ms?: number;
      readonly type?: string;
      readonly error?: TestError;
    };
  };
}

/** Turns the events of Node's test runner into what counts. */
export class Events {
  readonly #shorten: (file: string) => string;
  /** For each file the names of the suites and tests that the present one is in. */
  readonly #path = new Map<string, string[]>();
  /** Files of which a test was reported. */
  readonly #tested = new Set<string>();

  /** `shorten` makes a file's path one for people. */
  constructor(shorten: (file: string) => string) {
    this.#shorten = shorten;
  }

  /** What an event says about a test; nothing for most. */
  reports({ type, data: told }: TestEvent): Report[] {
    const data = inFileRun(told);
    const { name = "", file = "" } = data;
    if (type === "test:start") this.#path.set(file, this.#pathTo(data));
    if (type !== "test:pass" && type !== "test:fail") return [];
    // Node reports a file as a test of its own when it has no tests, or more to say than they.
    const isFile = data.nesting === 0 && (name === file || name === this.#shorten(file));
    if (!isFile) this.#tested.add(file);
    if (type === "test:fail" && data.todo === undefined) return this.#failed(data, isFile);
    return isFile ? this.#fileEnded(file) : passed(data);
  }

  /** A test's name behind those of what it is in. */
  #pathTo({ name = "", nesting = 0, file = "" }: TestEvent["data"]): string[] {
    return [...(this.#path.get(file) ?? []).slice(0, nesting), name];
  }

  #failed(data: TestEvent["data"], isFile: boolean): Report[] {
    const { file = "", details } = data;
    // What failed in it has been reported already.
    if (details?.error?.failureType === "subtestsFailed") return [];
    const path = this.#pathTo(data).join(" › ");
    return [
      { type: "failed", name: isFile ? "(the file)" : path, file: this.#shorten(file), why: whyOf(details?.error) },
    ];
  }

  #fileEnded(file: string): Report[] {
    if (this.#tested.has(file)) return [];
    return [{ type: "failed", name: "(the file)", file: this.#shorten(file), why: "no test in it" }];
  }
}

/** A test that a helper makes counts for the file that called it: by that it is run alone. */
const inFileRun = ({ entryFile, ...data }: TestEvent["data"]): TestEvent["data"] =>
  entryFile === undefined ? data : { ...data, file: entryFile };

function passed({ skip, todo, details }: TestEvent["data"]): Report[] {
  if (details?.type === "suite") return [];
  return [{ type: skip === undefined && todo === undefined ? "passed" : "skipped" }];
}

/** The first line of what a test or a file failed with. */
function whyOf(error: TestError = {}): string {
  if (error.failureType === "testAborted") return "ended before it was over";
  const code = error.exitCode ?? error.signal;
  if (code !== undefined && code !== null) return `its process ended with ${code}`;
  const text = error.cause instanceof Error ? error.cause.message : error.cause;
  return typeof text === "string" ? (text.split("\n", 1)[0] ?? "") : "";
}
