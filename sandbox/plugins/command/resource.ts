/** The life of a command resource, the same for local and remote ones; only the running differs. */
import { randomBytes } from "node:crypto";
import { type Diff, diffMaps, replaceWhere, rootOf } from "../core/diff.ts";
import type { CheckResult, Operation, ResourceType } from "../core/provider.ts";
import { type PropertyMap, UNKNOWN } from "../core/values.ts";
import { text } from "./inputs.ts";
import type { CommandOutput } from "./output.ts";
import type { RunContext } from "./shell.ts";

/** Runs one command text with a resource's properties. */
export type Runner = (command: string, properties: PropertyMap, context: RunContext) => Promise<CommandOutput>;

/** A resource type whose create, update and delete are commands. */
export function commandResource(check: (inputs: PropertyMap) => CheckResult, run: Runner): ResourceType {
  const runOrSkip = async (command: string | undefined, properties: PropertyMap, operation: Operation) => {
    if (operation.preview) return { ...properties, stdout: UNKNOWN, stderr: UNKNOWN };
    if (command === undefined) return { stdout: "", stderr: "", ...properties };
    return { ...properties, ...(await run(command, properties, operation)) };
  };
  return {
    check: (_operation, inputs) => check(inputs),
    diff: (_operation, { oldInputs, inputs }): Diff => {
      const changes = replaceWhere(diffMaps(oldInputs, inputs), (path) => rootOf(path) === "triggers");
      // The new create runs before the old delete: the real plugin doesn't know names.
      return { changes };
    },
    create: async (operation, inputs) => ({
      id: operation.preview ? "" : `${operation.name}${randomBytes(4).toString("hex")}`,
      outputs: await runOrSkip(text(inputs, "create"), inputs, operation),
    }),
    update: (operation, { oldOutputs, inputs }) => {
      const { stdout = "", stderr = "" } = oldOutputs;
      const command = text(inputs, "update") ?? text(inputs, "create");
      return runOrSkip(command, { ...inputs, stdout, stderr }, operation);
    },
    delete: async (operation, { outputs }) => {
      const command = text(outputs, "delete");
      if (command !== undefined) await run(command, outputs, operation);
    },
  };
}
