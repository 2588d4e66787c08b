/**
 * `command:remote:Command`, as far as the state of an earlier version of the program has it: to be deleted. That version
 * gave it no `delete`, and then the real plugin does nothing. Refused by name: making one, changing one, and a `delete`.
 */
import type { ResourceType } from "../core/provider.ts";
import { text } from "./inputs.ts";

const refusal = "the stand-in for pulumi-resource-command only forgets remote commands that a state still has";

/** A command on another machine, which may only go. */
export const remoteCommand: ResourceType = {
  check: (_operation, inputs) => ({ inputs, failures: [{ property: "", reason: refusal }] }),
  diff: () => Promise.reject(new Error(refusal)),
  create: () => Promise.reject(new Error(refusal)),
  delete: async (_operation, { outputs }) => {
    if (text(outputs, "delete") !== undefined) await Promise.reject(new Error(`${refusal}, not those with a delete`));
  },
};
