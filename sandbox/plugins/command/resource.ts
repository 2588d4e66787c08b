/** The life of a command resource. */
import { randomBytes } from "node:crypto";
import { diffMaps, replaceWhere, rootOf } from "../core/diff.ts";
import type { CheckResult, ResourceType, Transition } from "../core/provider.ts";
import { equal, hasUnknown, type PropertyMap, UNKNOWN } from "../core/values.ts";
import { text } from "./inputs.ts";
import type { CommandOutput } from "./output.ts";
import type { RunContext } from "./shell.ts";

/** Runs one command text with a resource's properties. */
export type Runner = (command: string, properties: PropertyMap, context: RunContext) => Promise<CommandOutput>;

/** What nobody knows before the command has run. */
const UNKNOWN_OUTPUT = { stdout: UNKNOWN, stderr: UNKNOWN };

/** A resource type whose create, update and delete are commands. */
export function commandResource(check: (inputs: PropertyMap) => CheckResult, run: Runner): ResourceType {
  return {
    check: (_operation, inputs) => check(inputs),

    // Triggers replace; the new create runs before the old delete, because the names of commands never collide.
    diff: (_operation, { oldInputs, inputs }) => ({
      changes: replaceWhere(diffMaps(oldInputs, inputs), (path) => rootOf(path) === "triggers"),
    }),

    create: async (operation, inputs) => {
      if (operation.preview) return { id: "", outputs: { ...inputs, ...UNKNOWN_OUTPUT } };
      const command = text(inputs, "create");
      const output = command === undefined ? { stdout: "", stderr: "" } : await run(command, inputs, operation);
      return { id: `${operation.name}${randomBytes(4).toString("hex")}`, outputs: { ...inputs, ...output } };
    },

    update: async (operation, transition) => {
      const { inputs, oldOutputs } = transition;
      const { stdout = "", stderr = "" } = oldOutputs;
      const before = { ...inputs, stdout, stderr };
      if (operation.preview) return invalidatesOutput(transition) ? { ...inputs, ...UNKNOWN_OUTPUT } : before;
      const command = text(inputs, "update") ?? text(inputs, "create");
      return command === undefined ? before : { ...inputs, ...(await run(command, before, operation)) };
    },

    delete: async (operation, { outputs }) => {
      const command = text(outputs, "delete");
      if (command !== undefined) await run(command, outputs, operation);
    },
  };
}

/**
 * Whether a preview shows the output as unknown: when an input is, or one that the state has differs. An input that is
 * new in the program doesn't count; that is how the real plugin's framework compares.
 */
function invalidatesOutput({ inputs, oldOutputs }: Transition): boolean {
  const names = Object.keys(oldOutputs).filter((name) => name !== "stdout" && name !== "stderr");
  return hasUnknown(inputs) || names.some((name) => !equal(inputs[name], oldOutputs[name]));
}
