/** Inputs that the command resources share, read from property maps: checked, typed and without secret envelopes. */
import type { CheckFailure } from "../core/provider.ts";
import { isObject, isUnknown, type PropertyMap, reveal, type Value } from "../core/values.ts";

/** What an input may hold. */
type InputKind = "string" | "boolean" | "strings" | "stringMap" | "any";

/** Inputs by name. */
export type InputKinds = Record<string, InputKind>;

const TESTS: Record<InputKind, (value: Value) => boolean> = {
  string: (value) => typeof value === "string",
  boolean: (value) => typeof value === "boolean",
  strings: (value) => Array.isArray(value) && value.every(isText),
  stringMap: (value) => isObject(value) && Object.values(value).every(isText),
  any: () => true,
};

function isText(value: Value): boolean {
  return typeof value === "string";
}

/** Failures for inputs of a wrong kind, and for those that the stand-in doesn't have. */
export function checkInputs(inputs: PropertyMap, kinds: InputKinds, refused: readonly string[]): CheckFailure[] {
  const failures: CheckFailure[] = [];
  for (const [property, wrapped] of Object.entries(inputs)) {
    const kind = kinds[property];
    const value = reveal(wrapped);
    if (refused.includes(property)) {
      failures.push({ property, reason: `the stand-in for pulumi-resource-command does not do ${property}` });
    } else if (kind === undefined) {
      failures.push({ property, reason: `unexpected input` });
    } else if (!isUnknown(value) && !TESTS[kind](value)) {
      failures.push({ property, reason: `expected ${kind}` });
    }
  }
  return failures;
}

/** An input that is a string, or nothing. */
export function text(properties: PropertyMap, name: string): string | undefined {
  const value = reveal(properties[name] ?? null);
  return typeof value === "string" ? value : undefined;
}

/** An input that is a map of strings; absent means empty. */
function texts(properties: PropertyMap, name: string): Record<string, string> {
  const value = reveal(properties[name] ?? null);
  return isObject(value) ? (value as Record<string, string>) : {};
}

/** What a command's shell takes from the properties. */
export interface CommandSettings {
  stdin: string | undefined;
  environment: Record<string, string>;
  /** Whether each stream's lines go to the engine's diagnostics. */
  logs: { stdout: boolean; stderr: boolean };
}

/** The inputs `stdin`, `environment` and `logging`, and the previous output where it is to be passed on. */
export function commandSettings(properties: PropertyMap): CommandSettings {
  const logging = text(properties, "logging") ?? "stdoutAndStderr";
  return {
    stdin: text(properties, "stdin"),
    environment: texts(properties, "environment"),
    logs: {
      stdout: logging === "stdout" || logging === "stdoutAndStderr",
      stderr: logging === "stderr" || logging === "stdoutAndStderr",
    },
  };
}

/** The last run's output as variables, unless `addPreviousOutputInEnv` is false. */
export function previousOutput(properties: PropertyMap): Record<string, string> {
  if (reveal(properties.addPreviousOutputInEnv ?? true) === false) return {};
  const variables = {
    PULUMI_COMMAND_STDOUT: text(properties, "stdout") ?? "",
    PULUMI_COMMAND_STDERR: text(properties, "stderr") ?? "",
  };
  return Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ""));
}
