/**
 * What a step about a node says, kept with its time: `logs/<stack>/<node>.log`, one line for each of its own, appended. Pulumi
 * shows the last line, and keeps no time.
 */
import { appendFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { timestamp } from "./clock.ts";
import { inHome } from "./inHome.ts";
import { cleanLine, printLines } from "./output.ts";

let append: (line: string) => void = () => undefined;

/** From now on this process's lines are kept, where its input tells of which stack's which node. */
export function keepRecord(program: string, input: unknown): void {
  const place = placeOf(input);
  if (place === undefined) return;
  const file = inHome(join("logs", place.stack, `${place.node}.log`));
  append = (line) => appendFileSync(file, `${timestamp()} ${program} ${line}\n`);
  try {
    mkdirSync(dirname(file), { recursive: true });
    append("begins");
  } catch (error) {
    append = () => undefined;
    printLines(`${file} can't be written: ${(error as Error).message}; going on without it`);
  }
}

/** Keeps lines; a disk that is full ends no roll-out. */
export function record(text: string): void {
  try {
    for (const line of text.split(/\r?\n/)) append(cleanLine(line));
  } catch (error) {
    append = () => undefined;
    printLines(`the log can't be written any more: ${(error as Error).message}`);
  }
}

function placeOf(input: unknown): { stack: string; node: string } | undefined {
  const { stack } = input as { stack?: unknown };
  const node = nodeIn(input);
  return typeof stack === "string" && node !== undefined ? { stack, node } : undefined;
}

/** Name of the node that a step's input is about. */
export function nodeIn(input: unknown): string | undefined {
  const { node } = input as { node?: unknown };
  const name = typeof node === "object" && node !== null && "name" in node ? node.name : node;
  return typeof name === "string" ? name : undefined;
}
