import { z } from "zod";
import type { ErrorId } from "../errors.ts";
import { hostPorts, isKeyTrusted, ownSolarflareInterfaces, type MachineState } from "./machineState.ts";

/** Something that is wrong with a machine, by the error's name. */
export interface Finding {
  readonly error: ErrorId;
  readonly text: string;
}

/** What the configuration says of one node that bears on loading. */
export const consent = z.object({
  /** It is accepted that the node's own network goes away while modules are reloaded. */
  ownNetworkOnSolarflare: z.boolean(),
  /** The node needs no card: OpenOnload over AF_XDP. */
  withoutPorts: z.boolean(),
});
export type Consent = z.infer<typeof consent>;

/**
 * Why OpenOnload's modules can't be loaded on this machine, or would take away what it needs or serve nothing; each with its
 * remedy. On the node it would show only when the in-tree driver is gone already.
 */
export function obstacles(state: MachineState, consent: Consent): Finding[] {
  return [
    ...portObstacles(state, consent),
    ...networkObstacles(state, consent),
    ...kernelObstacles(state),
    ...firmwareObstacles(state),
  ];
}

/**
 * Bytes of the firmware's variables that an enrolment takes: the request with its certificate, the password's hash, and the
 * certificate once more in MokList, or in db, while the request is still there.
 */
const enrolmentBytes = 4096;

/** Only a key that is still to be asked for needs space. */
function firmwareObstacles({ secureBoot, key, firmwareSpace }: MachineState): Finding[] {
  const mustEnrol = secureBoot === "enabled" && (key === null || key === "not-enrolled");
  if (!mustEnrol || firmwareSpace === null || firmwareSpace >= enrolmentBytes) return [];
  return [
    {
      error: "OKMM-FIRMWARE-FULL",
      text:
        `its firmware has ${firmwareSpace} bytes left for variables, and enrolling the key takes up to ${enrolmentBytes}: the request would ` +
        "fail, or be lost in MokManager; delete old dump-* variables and keys in /sys/firmware/efi/efivars, or update the firmware",
    },
  ];
}

function portObstacles(state: MachineState, { withoutPorts }: Consent): Finding[] {
  if (withoutPorts || hostPorts(state).length > 0) return [];
  const remedy =
    "remove the node from onload-kmm:nodes, or set its `withoutPorts: true` for OpenOnload over AF_XDP, without a card";
  const drivers = [...new Set(state.ports.map(({ driver }) => driver ?? "no driver"))].sort().join(", ");
  const found =
    state.ports.length === 0
      ? "it has no port that OpenOnload's driver sfc serves"
      : `all of its Solarflare ports (${state.ports.length}) have another use (${drivers})`;
  return [{ error: "OKMM-NODE-NOPORT", text: `${found}; ${remedy}` }];
}

function networkObstacles(state: MachineState, { ownNetworkOnSolarflare }: Consent): Finding[] {
  if (ownNetworkOnSolarflare) return [];
  const error = "OKMM-NODE-OWNNETWORK";
  const remedy = "set the node's `ownNetworkOnSolarflare: true` to accept that";
  const interfaces = ownSolarflareInterfaces(state);
  if (interfaces.length > 0) {
    const found = `its own network runs on Solarflare (${interfaces.join(", ")})`;
    return [{ error, text: `${found} and would go down while modules are reloaded; ${remedy}` }];
  }
  // What isn't known is not elsewhere.
  const unknown = state.ownNetwork.filter(({ solarflare }) => solarflare === null).map(({ name }) => name);
  const isKnown = state.ownNetwork.length > 0 && unknown.length === 0;
  if (isKnown || hostPorts(state).length === 0) return [];
  const where = unknown.length > 0 ? `its default route's interface ${unknown.join(", ")}` : "a default route";
  const doubt = "its own network may run on Solarflare, and go down while modules are reloaded";
  return [{ error, text: `no network card was found under ${where}: ${doubt}; ${remedy}` }];
}

function kernelObstacles(state: MachineState): Finding[] {
  const found: Finding[] = [];
  if (state.blacklisted.length > 0) {
    const names = state.blacklisted.join(", ");
    const text = `the kernel argument module_blacklist= makes its kernel refuse ${names}; remove that argument`;
    found.push({ error: "OKMM-NODE-BLACKLIST", text });
  }
  if (state.secureBoot !== "enabled" && state.signaturesEnforced && !isKeyTrusted(state)) {
    found.push({
      error: "OKMM-NODE-SIGNATURES",
      text:
        "its kernel takes signed modules only (module.sig_enforce=1 or lockdown=) though Secure Boot is off, and doesn't trust the " +
        "key: turn Secure Boot on, and the key is enrolled, or remove that kernel argument",
    });
  }
  return found;
}

/** What may make loading fail, which nobody can tell before. */
export function doubts({ ibt, modules }: MachineState, release: string): string[] {
  const [major = 0, minor = 0] = release.split(".").map(Number);
  // What runs under it already has passed OpenOnload's own check.
  if (!ibt || major < 9 || (major === 9 && minor < 1) || modules["onload"] != null) return [];
  return [
    "Indirect Branch Tracking is on: OpenOnload 9.1 and later may refuse to load, and by then the in-tree driver is gone; if the " +
      "canary fails like that, boot the nodes with the kernel argument ibt=off",
  ];
}
