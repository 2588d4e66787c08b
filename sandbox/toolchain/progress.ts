/** `mm:ss`. */
export function formatElapsed(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  return `${String(Math.floor(seconds / 60)).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`;
}

/**
 * One build's progress on stderr: on a terminal a line that is rewritten each second, elsewhere a line each half
 * minute. Counts what `go install -v` names: a line for each module downloaded and each package compiled.
 */
export class Progress {
  readonly #label: string;
  readonly #started = Date.now();
  readonly #timer: NodeJS.Timeout;
  readonly #expected: string;
  #modules = 0;
  #packages = 0;

  /** `minutes`: what the build takes on 2 cores from an empty cache. */
  constructor(label: string, minutes: number) {
    this.#label = label;
    this.#expected = `about ${minutes} min on 2 cores from an empty cache`;
    process.stderr.write(`${label}: building (${this.#expected})\n`);
    this.#timer = setInterval(() => this.#show(), process.stderr.isTTY ? 1000 : 30_000);
  }

  /** One line of Go's output. */
  step(line: string): void {
    if (line.startsWith("go: downloading ")) this.#modules++;
    else if (/^[\w.~/-]+$/.test(line)) this.#packages++;
  }

  /** Stops, and says how it went. */
  end(good: boolean): void {
    clearInterval(this.#timer);
    const clear = process.stderr.isTTY ? "\r\u001b[K" : "";
    process.stderr.write(`${clear}${this.#label}: ${good ? "built" : "failed"} after ${this.#elapsed()}\n`);
  }

  #elapsed(): string {
    return formatElapsed(Date.now() - this.#started);
  }

  #show(): void {
    const done = `${this.#modules} modules downloaded, ${this.#packages} packages compiled`;
    const text = `${this.#label}: ${this.#elapsed()} (${this.#expected}): ${done}`;
    process.stderr.write(process.stderr.isTTY ? `\r\u001b[K${text}` : `${text}\n`);
  }
}
