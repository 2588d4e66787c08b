/** `command:local:Command` and `command:local:run`. */
import type { CheckResult, ProviderFunction } from "../core/provider.ts";
import type { PropertyMap } from "../core/values.ts";
import { checkInputs, type InputKinds, text } from "./inputs.ts";
import { commandResource } from "./resource.ts";
import { runLocally } from "./shell.ts";

const BASE: InputKinds = {
  stdin: "string",
  logging: "string",
  interpreter: "strings",
  dir: "string",
  environment: "stringMap",
  addPreviousOutputInEnv: "boolean",
};

const REFUSED = ["assetPaths", "archivePaths"];

const COMMAND: InputKinds = { ...BASE, create: "string", update: "string", delete: "string", triggers: "any" };

function check(inputs: PropertyMap): CheckResult {
  return { inputs, failures: checkInputs(inputs, COMMAND, REFUSED) };
}

/** A command that runs on this machine when it is created, changed or deleted. */
export const localCommand = commandResource(check, runLocally);

/** A command that runs on this machine each time the program calls it, in preview too. */
export const localRun: ProviderFunction = async (args, context) => {
  const failures = checkInputs(args, { ...BASE, command: "string" }, REFUSED);
  if (failures.length > 0) throw new Error(failures.map(({ property, reason }) => `${property}: ${reason}`).join("\n"));
  const output = await runLocally(text(args, "command") ?? "", args, { urn: "", ...context });
  return { ...args, ...output };
};
