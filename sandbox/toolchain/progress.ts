import { formatElapsed, longLine, shortLine, type Stand } from "./pace.ts";

/** What a tool's build has to compile. */
export interface Packages {
  /** How many the tool consists of. */
  readonly total: number;
  /** Import paths of those that aren't in Go's cache. */
  readonly missing: ReadonlySet<string>;
}

/** Which of the builds it is. */
export interface Place {
  /** `[1/4] kubernetes v1.34.4`. */
  readonly label: string;
  /** When the first of them began, by `Date.now()`. */
  readonly began: number;
  /** What this one takes on two quiet cores, those before it, those after it. */
  readonly minutes: number;
  readonly builtMinutes: number;
  readonly laterMinutes: number;
}

/**
 * One build's progress on stderr: on a terminal a line that is rewritten each second, elsewhere a line each half
 * minute. Counts what `go install -v` names: a line for each package compiled.
 */
export class Progress {
  readonly #place: Place;
  readonly #packages: Packages;
  readonly #compiled = new Set<string>();
  readonly #started = Date.now();
  readonly #timer: NodeJS.Timeout;

  constructor(place: Place, packages: Packages) {
    this.#place = place;
    this.#packages = packages;
    const { total, missing } = packages;
    process.stderr.write(`${place.label}: compiling ${missing.size} of ${total} packages, the rest is cached\n`);
    this.#timer = setInterval(() => this.#show(), process.stderr.isTTY ? 1000 : 30_000);
  }

  /** One line of Go's output. */
  step(line: string): void {
    if (this.#packages.missing.has(line)) this.#compiled.add(line);
  }

  /** Stops, and says how it went. */
  end(good: boolean): void {
    clearInterval(this.#timer);
    const clear = process.stderr.isTTY ? "\r\u001b[K" : "";
    process.stderr.write(`${clear}${this.#place.label}: ${good ? "built" : "failed"} after ${this.#elapsed()}\n`);
  }

  #elapsed(): string {
    return formatElapsed(Date.now() - this.#started);
  }

  #stand(): Stand {
    const { total, missing } = this.#packages;
    const packages = { total, cached: total - missing.size, compiled: this.#compiled.size };
    return { ...this.#place, elapsedMs: Date.now() - this.#place.began, packages };
  }

  #show(): void {
    const lead = `${this.#place.label}: ${this.#elapsed()}, `;
    const terminal = process.stderr.isTTY;
    process.stderr.write(
      terminal ? `\r\u001b[K${lead}${shortLine(this.#stand())}` : `${lead}${longLine(this.#stand())}\n`,
    );
  }
}
