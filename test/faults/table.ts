/** A reporter for Node's test runner: one table of everything that was done to the program, and how it came out. */
import type { TestEvent } from "../runner/events.ts";

export default async function* table(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const rows: string[] = [];
  for await (const event of source) rows.push(...row(event));
  yield `\n${rows.join("\n")}\n`;
}

/** A test's line; suites and whatever else is reported have none. */
function row({ type, data }: TestEvent): string[] {
  const verdict = { "test:pass": "survived", "test:fail": "BROKEN  " }[type];
  const { name, nesting, file = "", details } = data;
  if (verdict === undefined || nesting !== 1 || details?.type === "suite") return [];
  const where = file.replace(/^.*\/test\/faults\//, "").replace(/\.test\.ts$/, "");
  const seconds = ((details?.duration_ms ?? 0) / 1000).toFixed(0);
  return [`${verdict} ${seconds.padStart(5)} s  ${where.padEnd(14)} ${name ?? ""}`];
}
