/**
 * Runs test files by Node's test runner in a process of its own, so that whatever happens to it is one part's result:
 *
 *   files.ts <TestFiles as JSON>
 *
 * Prints what `node --test` prints, and tells the process that started it what came out, as {@link Report}s.
 */
import { pathToFileURL } from "node:url";
import { relative, resolve } from "node:path";
import { Readable } from "node:stream";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { Events, type TestEvent } from "./events.ts";
import type { Prepare, TestFiles } from "./parts.ts";
import type { Report } from "./result.ts";

// Every test has a time limit, after which it reports. A file that is silent for this much longer never ends.
const silentForMs = 180_000;

// Ending this way ends the files' processes too, which a signal to this one doesn't.
const ending = new AbortController();
for (const event of ["message", "disconnect"]) process.on(event, () => ending.abort());

function tell(report: Report): void {
  process.send?.(report);
}

/** A reporter as Node's test runner takes it. */
type Reporter = (source: AsyncIterable<TestEvent>) => AsyncGenerator<string>;

/** The default export of a module of this project. */
async function load<T>(module: string): Promise<T> {
  const loaded = (await import(pathToFileURL(resolve(module)).href)) as { default: T };
  return loaded.default;
}

async function runFiles(tests: TestFiles): Promise<void> {
  const stream = run({
    globPatterns: tests.patterns,
    concurrency: tests.concurrency,
    timeout: tests.timeoutMs,
    signal: ending.signal,
  });
  const giveUp = (): void => ending.abort();
  const timer = setTimeout(giveUp, tests.timeoutMs + silentForMs);
  const events = new Events((file) => relative(process.cwd(), file));
  stream.on("data", (event: TestEvent) => {
    timer.refresh();
    for (const report of events.reports(event)) tell(report);
  });
  stream.pipe(new spec()).pipe(process.stdout);
  if (tests.reporter !== undefined) {
    const reporter = await load<Reporter>(tests.reporter);
    Readable.from(reporter(stream as AsyncIterable<TestEvent>)).pipe(process.stdout);
  }
  await new Promise((ended) => stream.once("end", ended));
  clearTimeout(timer);
  tell({ type: "over" });
}

const tests = JSON.parse(process.argv[2] ?? "") as TestFiles;
const why = tests.prepare === undefined ? undefined : await (await load<Prepare>(tests.prepare))();
if (why === undefined) await runFiles(tests);
else tell({ type: "notRun", why });
if (process.connected) process.disconnect();
