/**
 * Stands in for `pulumi-resource-command` 1.2.1: commands on this machine.
 * Left out: other machines, copying files, and what is refused by name in `local.ts` and `remote.ts`.
 */
import type { Provider, ResourceType } from "../core/provider.ts";
import { localCommand, localRun } from "./local.ts";
import { remoteCommand } from "./remote.ts";

const RESOURCES: Partial<Record<string, ResourceType>> = {
  "command:local:Command": localCommand,
  "command:remote:Command": remoteCommand,
};

/** The provider. */
export const commandProvider: Provider = {
  name: "command",
  version: "1.2.1",
  resource: (type) => RESOURCES[type],
  functions: { "command:local:run": localRun },
  // The real plugin notes the version of its own framework in its configuration.
  checkConfig: (inputs) => ({ inputs: { ...inputs, "__pulumi-go-provider-version": "v1.5.0" } }),
};
