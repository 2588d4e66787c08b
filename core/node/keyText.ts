import type { MachineState } from "./machineState.ts";

/** The signing key as a person reads it; null is what couldn't be asked. */
export function keyText({ secureBoot, key }: { [Field in "secureBoot" | "key"]: MachineState[Field] | null }): string {
  if (secureBoot === null) return "unknown";
  if (secureBoot !== "enabled") return "not needed";
  if (key === "enrolled" || key === "in-db" || key === "in-kernel") return `trusted (${key})`;
  return key ?? "-";
}
