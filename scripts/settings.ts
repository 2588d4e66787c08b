/** A stack's configuration, as the scripts beside this file read it. */
import { readFileSync } from "node:fs";
import { parseSettings } from "../core/configuration/parseSettings.ts";
import { configured } from "./init/paths.ts";
import { fail, printedJson, type Cli } from "./stack.ts";

const readText = (path: string): string => readFileSync(configured(path), "utf8");

interface StackConfig {
  readonly [key: string]: { readonly value?: string; readonly objectValue?: unknown; readonly secret: boolean };
}

/** The stack's configuration; its secrets are neither needed nor asked for. */
export async function readSettings(pulumi: Cli) {
  const config = printedJson(await pulumi("config", "--json"), "config --json") as StackConfig;
  const raw = Object.entries(config)
    .filter(([key, { secret }]) => key.startsWith("onload-kmm:") && !secret)
    .map(([key, { value, objectValue }]) => [
      key.slice("onload-kmm:".length),
      objectValue === undefined ? (value ?? "") : JSON.stringify(objectValue),
    ]);
  const unread = Object.entries(config)
    .filter(([, { secret }]) => secret)
    .map(([key]) => key.slice("onload-kmm:".length));
  const { settings, problems } = parseSettings(Object.fromEntries(raw) as Record<string, string>, () => true, {
    unread,
    readText,
  });
  return settings ?? fail(problems.join("\n"));
}
